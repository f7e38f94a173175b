import * as assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { pointerKeys, referenceKeys, valueAt } from '../../../bundle/yaml/jsonPointer.ts';
import { suite } from '../../_suite.ts';

const test = suite('JSON Pointers');

test('lead through keys, whose own slashes and tildes are escaped', () => {
  assert.deepEqual(pointerKeys(''), []);
  assert.deepEqual(pointerKeys('/'), ['']);
  assert.deepEqual(pointerKeys('/a~1b/c~0d/~01'), ['a/b', 'c~d', '~1']);
  assert.deepEqual(pointerKeys('/a%20b'), ['a%20b']);
});

test('are percent-encoded in a reference, where an encoded slash parts nothing', () => {
  assert.deepEqual(referenceKeys('#'), []);
  assert.deepEqual(referenceKeys('#/$defs/a%20b'), ['$defs', 'a b']);
  assert.deepEqual(referenceKeys('#/$defs/a%2Fb'), ['$defs', 'a/b']);
  assert.deepEqual(referenceKeys('#/$defs/100%'), ['$defs', '100%']);
});

test('lead to what mappings hold themselves, and to the items of lists by their numbers', () => {
  const root = { 'a/b': { c: [{ d: null }] }, a: { b: 1 } };
  assert.equal(valueAt(root, []), root);
  assert.equal(valueAt(root, ['a/b', 'c', '0', 'd']), null);
  for (const keys of [
    ['a/b', 'c', '00'],
    ['a/b', 'c', ''],
    ['a/b', 'c', 'length'],
    ['a', 'toString'],
    ['a', 'b', 'c'],
  ])
    assert.equal(valueAt(root, keys), undefined);
});

test('are read of a reference as the validator of data documents reads them', () => {
  const $defs = { 'a/b': { const: 'a/b' }, a: { b: { const: 'two' } }, 'a%2Fb': { const: '%' } };
  for (const $ref of ['#/$defs/a~1b', '#/$defs/a%2Fb', '#/$defs/a/b', '#/$defs/a%252Fb']) {
    const schema = { $ref, $defs };
    const { const: wanted } = valueAt(schema, referenceKeys($ref)) as { const: string };
    assert.ok(new Ajv2020({ strict: false }).compile(schema)(wanted), $ref);
  }
});
