import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { readVerifyKeys } from '../../../bundle/archive/keys.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { type SigningKey, sign } from '../../../bundle/archive/sign.ts';
import { verify } from '../../../bundle/archive/verify.ts';
import { canonicalJson } from '../../../bundle/format/canonicalJson.ts';
import { packTarball, unpackTarball } from '../../../bundle/format/tarball.ts';
import type { Opa } from '../../../bundle/policy/opa.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair, sampleBundle } from '../_opa.ts';

const test = suite('keySets');
const [old, next, stranger, rsa] = [keyPair('ec'), keyPair('ec'), keyPair('ec'), keyPair('rsa')];
const rotating = { '2025': old.open, '2026': next.open, rsa: rsa.open };

let bundle: Bundle;
let opa: Opa;
let work: Awaited<ReturnType<typeof folder>>;
test.before(async () => {
  ({ bundle, opa } = await sampleBundle());
  work = await folder();
});
test.after(() => work.remove());

const signedBy = (secret: string, id?: string) => pack(bundle, readSigningKey(secret, id));

async function outcome(archive: Buffer, texts: Parameters<typeof readVerifyKeys>[0]): Promise<string> {
  try {
    return (await verify(archive, readVerifyKeys(texts))).revision === bundle.revision ? 'accepted' : 'other';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('old and new keys hold at once, each under its own id, until the old one is taken out', async () => {
  const [before, after] = [await signedBy(old.secret, '2025'), await signedBy(next.secret, '2026')];
  for (const archive of [before, after]) assert.equal(await outcome(archive, rotating), 'accepted');
  assert.equal(await outcome(await signedBy(rsa.secret, 'rsa'), rotating), 'accepted');
  assert.equal(await outcome(before, { '2026': next.open }), 'signature-key-unknown');
  assert.equal(await outcome(after, { '2026': next.open }), 'accepted');
});

test('the id selects among the keys that are configured, and proves nothing', async () => {
  const cases: [what: string, archive: Buffer, code: string][] = [
    ['an unknown id', await signedBy(next.secret, 'unheard-of'), 'signature-key-unknown'],
    ['the default id, which is none of them', await signedBy(next.secret), 'signature-key-unknown'],
    ['a stranger under a known id', await signedBy(stranger.secret, '2026'), 'signature-invalid'],
    ['a known key under the id of another', await signedBy(old.secret, '2026'), 'signature-invalid'],
    ['a known key under the id of another kind', await signedBy(old.secret, 'rsa'), 'signature-algorithm'],
  ];
  for (const [what, archive, code] of cases) assert.equal(await outcome(archive, rotating), code, what);
});

test('with one key and no id for it, what a signature calls its key does not matter', async () => {
  for (const id of [undefined, '2026', 'anything'])
    assert.equal(await outcome(await signedBy(next.secret, id), next.open), 'accepted');
  assert.equal(await outcome(await signedBy(old.secret, '2026'), next.open), 'signature-invalid');
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An archive whose signature has this header; `make` signs its text. */
async function withHeader(header: object, make: (text: string) => Buffer): Promise<Buffer> {
  const files = await unpackTarball(await pack(bundle, null), { bytes: () => 1e9, total: 1e9, files: 100 });
  const plain: SigningKey = { algorithm: 'ES256', keyid: 'x', sign: () => Buffer.from('x') };
  const [, payload = ''] = JSON.parse(String(sign(files, plain))).signatures[0].split('.');
  const text = `${part(header)}.${payload}`;
  files.set(
    '.signatures.json',
    Buffer.from(JSON.stringify({ signatures: [`${text}.${make(text).toString('base64url')}`] })),
  );
  return packTarball(files);
}

test('neither the algorithm nor the absence of an id gets a signature past its key', async () => {
  const es256 = (text: string) => readSigningKey(next.secret).sign(text);
  const hmac = (text: string) => createHmac('sha256', next.open).update(text).digest();
  const cases: [header: object, make: (text: string) => Buffer, code: string][] = [
    [{ alg: 'ES256', kid: '2026' }, es256, 'accepted'],
    [{ alg: 'none', kid: '2026' }, () => Buffer.from('x'), 'signature-algorithm'],
    [{ alg: 'HS256', kid: '2026' }, hmac, 'signature-algorithm'],
    [{ alg: 'ES256', kid: '2026' }, hmac, 'signature-invalid'],
    [{ alg: 'RS256', kid: '2026' }, es256, 'signature-algorithm'],
    [{ alg: 'ES256' }, es256, 'signature-key-unnamed'],
    [{ alg: 'ES256', kid: '' }, es256, 'signature-key-unknown'],
    [{ alg: 'ES256', kid: '__proto__' }, es256, 'signature-key-unknown'],
    [{ alg: 'ES256', kid: '/proc/self/environ' }, es256, 'signature-key-unknown'],
    [{ alg: 'ES256', kid: 2026 }, es256, 'signature-malformed'],
    [{ alg: 'ES256', kid: ['2026'] }, es256, 'signature-malformed'],
    [{ alg: 'ES256', kid: '2026', crit: ['b64'], b64: false }, es256, 'signature-malformed'],
    [{ alg: 'ES256', kid: 'unknown', jwk: { kty: 'EC' }, jku: 'x' }, es256, 'signature-key-unknown'],
  ];
  for (const [header, make, code] of cases)
    assert.equal(await outcome(await withHeader(header, make), rotating), code, JSON.stringify(header));
  // Nothing to choose from: the one key it can only be.
  const unnamed = await withHeader({ alg: 'ES256' }, es256);
  assert.equal(await outcome(unnamed, { '2026': next.open }), 'accepted');
  assert.equal(await outcome(unnamed, { '2025': old.open }), 'signature-invalid');
});

test('refuses ids and sets of keys that are none', () => {
  for (const id of ['', 'a b', '-x', '../key', 'x'.repeat(65)]) {
    assert.throws(() => readSigningKey(next.secret, id), { code: 'key-unsupported' }, id);
    assert.throws(() => readVerifyKeys({ [id]: next.open }), { code: 'key-unsupported' }, id);
  }
  assert.throws(() => readVerifyKeys({}), { code: 'key-unsupported' });
  assert.throws(() => readVerifyKeys({ a: next.open, b: 'no key' }), { code: 'key-unsupported' });
});

/** A bundle that an opa without a WASM engine can answer from. */
async function regoOnly(key: SigningKey): Promise<Buffer> {
  const files = await unpackTarball(await pack(bundle, null), { bytes: () => 1e9, total: 1e9, files: 100 });
  files.delete('policy.wasm');
  const { wasm: _, ...manifest } = JSON.parse(String(files.get('.manifest')));
  files.set('.manifest', Buffer.from(canonicalJson(manifest)));
  return packTarball(files.set('.signatures.json', sign(files, key)));
}

test('opa finds the key of a bundle by its id among those of its own configuration', async () => {
  await work.write('named.tar.gz', await regoOnly(readSigningKey(next.secret, '2026')));
  await work.write('input.json', '{}');
  const opaVerifies = async (keys: Record<string, string>) => {
    const known = Object.entries(keys).map(([id, key]) => [id, { algorithm: 'ES256', key }]);
    const bundles = { named: { resource: `file://${join(work.path, 'named.tar.gz')}`, signing: {} } };
    await work.write('opa.json', JSON.stringify({ keys: Object.fromEntries(known), bundles }));
    const args = ['exec', '--decision', 'grantgate/authz/decision', '--config-file', 'opa.json'];
    return opa.run([...args, '--timeout', '2s', 'input.json'], { cwd: work.path });
  };
  const good = await opaVerifies({ '2025': old.open, '2026': next.open });
  assert.deepEqual([good.code, /invalid-input/.test(good.stdout)], [0, true], good.stdout + good.stderr);
  const swapped = await opaVerifies({ '2025': next.open, '2026': old.open });
  assert.doesNotMatch(swapped.stdout, /invalid-input/);
});
