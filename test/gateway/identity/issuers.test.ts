import * as assert from 'node:assert/strict';
import { openIssuers } from '../../../gateway/identity/issuers.ts';
import { suite } from '../../_suite.ts';
import { issuersOf, startIssuer } from '../_issuer.ts';

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

test('keys come from where the configuration says, else by discovery, and how that went is told by the issuer', async () => {
  const told: unknown[] = [];
  const now = () => 0;
  const onKeyFetch = (name: string, failure: unknown) => told.push([name, failure === null]);
  const issuer = await startIssuer({ now });
  const fetched = async (more: Record<string, unknown>) => {
    const known = openIssuers(issuersOf([{ issuer: issuer.url, ...more }]), { now, onKeyFetch });
    await known.get(issuer.url)?.keys.renew();
    return [issuer.fetches.discovery, issuer.fetches.jwks];
  };
  try {
    assert.deepEqual(await fetched({ jwks_uri: `${issuer.url}/jwks` }), [0, 1]);
    assert.deepEqual(await fetched({}), [1, 2]);
    issuer.fault('down');
    await fetched({});
    assert.deepEqual(told, [
      [issuer.url, true],
      [issuer.url, true],
      [issuer.url, false],
    ]);
  } finally {
    await issuer.close();
  }
});
