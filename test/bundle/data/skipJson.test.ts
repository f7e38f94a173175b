import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { skipItems } from '../../../bundle/data/skipJson.ts';
import { suite } from '../../_suite.ts';

const test = suite('skipJson');

const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
const nested = fc.constantFrom<unknown>([], {}, { a: [1, { b: '],' }] }, [[[']']]], { '[': '\\"]' });
const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), nested);

test('counts the items of any list and ends behind it, whatever follows', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 6 }), fc.constantFrom('', ',', ']', '}'), (list, rest) => {
      const text = JSON.stringify(list);
      const data = Buffer.from(`x${text}${rest}`);
      assert.deepEqual(skipItems(data, 1), [list.length, 1 + Buffer.byteLength(text)]);
    }),
    { numRuns: 200, seed: 7 },
  );
});

test('a line separator has to be escaped, and no letter whose bytes end alike', () => {
  for (const text of ['\u1028', '\u{1f028}', '\u2027', '\u202a', '\\u2028'])
    assert.deepEqual(skipItems(Buffer.from(`["${text}"]`), 0), [1, Buffer.byteLength(text) + 4], text);
  for (const text of ['\u2028', '\u2029'])
    assert.throws(
      () => skipItems(Buffer.from(`["${text}"]`), 0),
      /byte 2: a line separator that is not escaped/,
    );
});

test('refuses a list that is none', () => {
  for (const text of ['[null]', '[1 2]', '[1}', '[1', '[,]', '[1,]'])
    assert.throws(() => skipItems(Buffer.from(text), 0), text);
});
