import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { canonicalJson, compareCodePoints } from '../../../bundle/format/canonicalJson.ts';
import { suite } from '../../_suite.ts';

const test = suite('canonicalJson');

test('writes compact JSON with sorted keys, at every depth', () => {
  assert.is(canonicalJson({ b: [1, { d: null, c: true }], a: 'x' }), '{"a":"x","b":[1,{"c":true,"d":null}]}');
});

test('escapes as Go does with HTML escaping off', () => {
  assert.is(
    canonicalJson('<&>"\\\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029é😀/'),
    '"<&>\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\u007f\\u2028\\u2029é😀/"',
  );
});

test('orders keys by code point, not by UTF-16 unit', () => {
  assert.is(canonicalJson({ '😀': 1, '\uff5e': 2 }), '{"\uff5e":2,"😀":1}');
});

test('leaves undefined properties out and refuses what JSON cannot hold', () => {
  assert.is(canonicalJson({ a: undefined, b: 1 }), '{"b":1}');
  for (const value of [
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1n,
    () => 1,
    '\ud800',
    { '\udc00': 1 },
    [undefined],
  ])
    assert.throws(() => canonicalJson(value));
});

test('any JSON value reads back as itself', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      let text: string;
      try {
        text = canonicalJson(value);
      } catch {
        // Lone surrogates are refused.
        return;
      }
      assert.equal(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('compares strings as their UTF-8 bytes compare', () => {
  const unit = fc.string({ unit: 'binary', maxLength: 6 });
  fc.assert(
    fc.property(unit, unit, (a, b) => {
      assert.is(
        Math.sign(compareCodePoints(a, b)),
        Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
    }),
    { seed: 2, numRuns: 2000 },
  );
});
