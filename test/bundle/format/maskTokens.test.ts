import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { holdsToken, maskTokens } from '../../../bundle/format/maskTokens.ts';
import { suite } from '../../_suite.ts';

const test = suite('maskTokens');

const plainly = /e(?:yJ|yA|w[o0k])[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/gi;

test('masks what one expression would find, and nothing else', () => {
  const piece = fc.constantFrom('eyJ', 'ewo', 'EYA', 'ey', 'a', '-', '_', '.', '..', '/', ' ', '%', 'é');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('');
      assert.equal(maskTokens(text, '[]'), text.replace(plainly, '[]'));
    }),
    { numRuns: 2000 },
  );
  assert.ok(holdsToken('x.eyJh.b.c') && !holdsToken('x.eyJh.b'));
});

test('what only looks like the beginnings of tokens takes no longer than its length', () => {
  // By one expression these take minutes.
  const many = 'eyJ'.repeat(300_000);
  assert.equal(maskTokens(many, '[]'), many);
  assert.equal(maskTokens(`${many}.${many}`, '[]'), `${many}.${many}`);
});
