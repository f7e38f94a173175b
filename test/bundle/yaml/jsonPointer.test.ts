import * as assert from 'node:assert/strict';
import { pointerKeys, referenceKeys } from '../../../bundle/yaml/jsonPointer.ts';
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
