import * as assert from 'node:assert/strict';
import { openIssuers } from '../../../gateway/identity/issuers.ts';
import { suite } from '../../_suite.ts';
import { issuersOf } from '../_issuer.ts';

const test = suite('issuers');

test('an issuer that is configured as before keeps its keys, and any other way gets its own', () => {
  const now = () => 0;
  const [a, b] = ['https://a.example', 'https://b.example'];
  const before = openIssuers(issuersOf([{ issuer: a }, { issuer: b }]), { now });
  const after = openIssuers(
    issuersOf([{ issuer: a }, { issuer: b, audience: 'other' }, { issuer: 'https://c.example' }]),
    { now },
    before,
  );
  assert.deepEqual([...after.keys()], [a, b, 'https://c.example']);
  assert.equal(after.get(a), before.get(a));
  assert.notEqual(after.get(b)?.keys, before.get(b)?.keys);
  assert.equal(before.get(b)?.config.audience, 'grantgate', 'what was before stays');
  assert.notEqual(before.get(a)?.keys, before.get(b)?.keys);
});
