import * as assert from 'node:assert/strict';
import { compareConditions, isOfValues } from '../../../bundle/access/compareConditions.ts';
import type { Conditions } from '../../../bundle/access/conditions.ts';
import { movedValues } from '../../../bundle/access/movedValues.ts';
import { suite } from '../../_suite.ts';

const test = suite('values of path parameters that come and go');

const at = (params?: Conditions['params'], mfa = false): Conditions => ({
  ...{ networks: null, mfa, expires: null },
  ...(params && { params }),
});
const many = Array.from({ length: 300 }, (_, index) => `tenant-${index}`);

test('the one value that came stands by itself, however long the lists are', () => {
  const [before, after] = [[at({ tenant: many })], [at({ tenant: [...many, 'evil one'] })]];
  assert.equal(movedValues(before, after), 'tenant also "evil one"');
  assert.equal(movedValues(after, before), 'tenant no longer "evil one"');
  assert.equal(movedValues(before, before), '');
  const own = [at({ tenant: { claim: 'org' } })];
  assert.equal(movedValues([at({ tenant: ['acme'] })], own), 'tenant also claim:org; tenant no longer acme');
  assert.equal(movedValues([at()], before), '', 'what was not restricted has no values to compare');
});

test('more values are more access of the same kind, and values beside another condition are not', () => {
  const [acme, both] = [[at({ tenant: ['acme'] })], [at({ tenant: ['acme', 'beta'] })]];
  assert.deepEqual([compareConditions(acme, both), isOfValues(acme, both)], ['loosened', true]);
  assert.deepEqual([compareConditions(both, acme), isOfValues(both, acme)], ['tightened', true]);
  assert.deepEqual([compareConditions([at()], acme), isOfValues([at()], acme)], ['tightened', true]);
  assert.equal(isOfValues(acme, [at({ tenant: ['acme', 'beta'] }, true)]), false);
  assert.equal(compareConditions(both, [at({ tenant: ['acme'] }), at({ tenant: ['beta'] })]), null);
  assert.equal(compareConditions(acme, [at({ tenant: { claim: 'org' } })]), 'altered');
});

test('two long lists are compared in no more time than they are long', () => {
  const wide = [at({ tenant: many, region: many })];
  assert.equal(compareConditions(wide, [at({ tenant: many, region: [...many, 'x'] })]), 'loosened');
  assert.equal(compareConditions(wide, [at({ tenant: many.slice(1), region: many })]), 'tightened');
});
