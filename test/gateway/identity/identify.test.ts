import * as assert from 'node:assert/strict';
import { rememberIdentities } from '../../../gateway/identity/identify.ts';
import type { TokenClaims } from '../../../gateway/identity/tokenClaims.ts';
import type { Credentials } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';

const test = suite('identify');

const directory = (more: Partial<Credentials> = {}): Credentials => ({
  apiKeys: new Map(),
  jwtSubjects: new Map(),
  jwtClaims: new Map(),
  spiffeIds: new Map(),
  certificateUris: new Map(),
  certificateDns: new Map(),
  certificateSubjects: new Map(),
  ...more,
});
let lastId = 0;
const claims = (login: string): TokenClaims => ({
  id: `${login} ${lastId++}`,
  method: 'jwt',
  issuer: 'https://issuer.example',
  sub: login,
  login,
  groups: null,
  mfa: false,
  expiresAt: 1_800_000_000,
  payload: {},
  bytes: 600,
});

test('one credential has one identity for as long as the directory is the same', () => {
  const identify = rememberIdentities();
  const here = directory();
  const token = claims('ann@example.com');
  const first = identify(token, here);
  assert.equal(first?.subject, 'user:ann@example.com');
  assert.equal(identify(token, here), first);
  assert.notEqual(identify(claims('ann@example.com'), here), first, 'another token is another identity');
  assert.equal(identify(claims('bob@example.com'), here)?.subject, 'user:bob@example.com');
});

test('another directory is asked anew, and what it took away is gone', () => {
  const identify = rememberIdentities();
  const key = { method: 'api-key' as const, sha256: 'a'.repeat(64) };
  const before = directory({ apiKeys: new Map([[key.sha256, 'service:invoicer']]) });
  const first = identify(key, before);
  assert.equal(first?.subject, 'service:invoicer');
  assert.equal(identify({ ...key }, before), first);
  assert.equal(identify(key, directory()), null);
  assert.equal(
    identify(key, directory({ apiKeys: new Map([[key.sha256, 'service:other']]) }))?.subject,
    'service:other',
  );
});

test('what is remembered is bounded in bytes, whatever tokens carry, and the last ones stay', () => {
  const identify = rememberIdentities();
  const here = directory();
  const large = (name: string) => ({
    ...claims(name),
    payload: { about: 'x'.repeat(100_000) },
    bytes: 150_600,
  });
  const tokens = Array.from({ length: 1000 }, (_, at) => large(`user${at}@example.com`));
  const first = tokens.map((token) => identify(token, here));
  const kept = tokens.filter((token, at) => identify({ ...token }, here) === first[at]).length;
  assert.equal(kept, 0, 'another proof under the same name is looked at anew');
  const again = rememberIdentities();
  const given = tokens.map((token) => again(token, here));
  const known = tokens.toReversed().findIndex((token, at) => again(token, here) !== given[999 - at]);
  assert.ok(known > 100 && known < 700, String(known));
});

test('whom nobody knows is not remembered', () => {
  const identify = rememberIdentities();
  const known = new Map<string, string>();
  const here = directory({ apiKeys: known });
  const key = { method: 'api-key' as const, sha256: 'b'.repeat(64) };
  assert.equal(identify(key, here), null);
  known.set(key.sha256, 'service:late');
  assert.equal(identify(key, here)?.subject, 'service:late');
});
