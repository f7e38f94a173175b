import * as assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../../../bundle/archive/bundle.ts';
import { pack } from '../../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../../bundle/archive/readSigningKey.ts';
import { sign } from '../../../../bundle/archive/sign.ts';
import { readVerifyKey, verify } from '../../../../bundle/archive/verify.ts';
import { canonicalJson } from '../../../../bundle/format/canonicalJson.ts';
import { packTarball, unpackTarball } from '../../../../bundle/format/tarball.ts';
import type { FoundOpa } from '../../../../bundle/policy/opa.ts';
import { startReload } from '../../../../gateway/load/reload.ts';
import { parseImage } from '../../../../gateway/source/contract/parseImage.ts';
import type { Source } from '../../../../gateway/source/contract/source.ts';
import { imageOf } from '../../../../gateway/source/registry/imageManifest.ts';
import { ociSource } from '../../../../gateway/source/registry/ociSource.ts';
import type { RegistryCredentials } from '../../../../gateway/source/registry/openRegistry.ts';
import { pushImage } from '../../../../gateway/source/registry/pushImage.ts';
import { openServer } from '../../../../gateway/source/transport/openServer.ts';
import { freePort, startServer } from '../../../_server.ts';
import { suite } from '../../../_suite.ts';
import { keyPair, sampleBundle } from '../../../bundle/_opa.ts';
import { type Registry, startRegistry, startTokenGiver, type TokenGiver, user } from '../../_registry.ts';
import { startWarmLoader } from '../../load/_warmLoader.ts';

const test = suite('ociSource');
const [ours, theirs] = [keyPair('ec'), keyPair('ec')];
const key = readVerifyKey(ours.open);

let bundle: Bundle;
let opa: FoundOpa;
let archives: Buffer[] = [];
let open: Registry | null = null;
let closed: Registry | null = null;
let byToken: Registry | null = null;
let tokens: TokenGiver;
const sources: Source[] = [];

test.before(async () => {
  ({ bundle, opa } = await sampleBundle());
  const later = { ...bundle, revision: 'b'.repeat(40), counter: bundle.counter + 1 };
  const signed = [bundle, later].map((each) => pack(each, readSigningKey(ours.secret)));
  archives = await Promise.all([...signed, pack(bundle, readSigningKey(theirs.secret))]);
  tokens = await startTokenGiver();
  [open, closed, byToken] = [
    await startRegistry('none'),
    await startRegistry('password'),
    await startRegistry(tokens),
  ];
  if (open === null) console.log('      docker-registry cannot be had here');
});
test.after.each(async () => {
  for (const source of sources.splice(0)) await source.close();
});
test.after(async () => {
  for (const server of [open, closed, byToken, tokens]) await server?.close();
});

const never = new AbortController().signal;
const archive = (index: number) => archives[index] ?? Buffer.alloc(0);
type Access = { credentials?: RegistryCredentials; redirectOrigins?: string[] };

/** What a registry is given and asked, by the address without its scheme. */
const push = async (name: string, bytes: Buffer, { credentials, redirectOrigins }: Access = {}) => {
  const image = parseImage(`oci://${name}`);
  const server = openServer({ url: image.origin, redirectOrigins, connectMs: 2000 });
  const about = { revision: bundle.revision, created: bundle.committedAt };
  try {
    return await pushImage(imageOf(bytes, about), {
      server,
      image,
      credentials: credentials ?? null,
      signal: never,
    });
  } finally {
    await server.close();
  }
};
const from = (name: string, more: Access & { maxBytes?: number } = {}): Source => {
  const image = parseImage(`oci://${name}`);
  const source = ociSource({ image, verify: (bytes) => verify(bytes, key), timeoutMs: 5000, ...more });
  sources.push(source);
  return source;
};
const take = async (source: Source, force = false) => {
  const found = await source.next({ signal: never, force });
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};

test('takes what a tag names once, the next one when the tag moves, and the same bytes for ever by digest', async () => {
  if (open === null) return;
  const name = `${open.host}/northwind/access`;
  const digest = await push(`${name}:main`, archive(0));
  assert.equal(await push(`${name}:main`, archive(0)), digest, 'the same bundle is the same image');
  const [byTag, byDigest] = [from(`${name}:main`), from(`${name}@${digest}`)];
  assert.equal(byTag.name, `oci://${name}:main`);
  for (const source of [byTag, byDigest]) {
    assert.equal(await take(source), bundle.revision);
    assert.equal(await take(source), null);
  }
  await push(`${name}:main`, archive(1));
  assert.equal(await take(byTag), 'b'.repeat(40));
  assert.equal(await take(byTag), null);
  assert.equal(await take(byDigest), null);
});

test('refuses what another key signed as long as the tag names it, and goes on from there', async () => {
  if (open === null) return;
  const name = `${open.host}/northwind/foreign:main`;
  await push(name, archive(2));
  const source = from(name);
  for (const force of [false, false, true])
    await assert.rejects(take(source, force), { code: 'signature-invalid' });
  await push(name, archive(0));
  assert.equal(await take(source), bundle.revision);
});

test('refuses a repository or tag that is not there, and a layer above the limit', async () => {
  if (open === null) return;
  await assert.rejects(take(from(`${open.host}/nobody/nothing`)), { code: 'source-not-found' });
  const name = `${open.host}/northwind/large`;
  await push(name, archive(0));
  await assert.rejects(take(from(`${name}:other`)), { code: 'source-not-found' });
  await assert.rejects(take(from(name, { maxBytes: 1000 })), { code: 'source-too-large' });
  assert.equal(await take(from(name)), bundle.revision);
});

test('signs in with a password, and is turned away with a wrong one or none', async () => {
  if (closed === null) return;
  const name = `${closed.host}/northwind/access:main`;
  const wrong = { credentials: { ...user, password: 'guessed' } };
  for (const access of [{}, wrong, { credentials: { token: 'guessed' } }]) {
    await assert.rejects(push(name, archive(0), access), { code: 'source-unauthorized' });
    await assert.rejects(take(from(name, access)), { code: 'source-unauthorized' });
  }
  await push(name, archive(0), { credentials: user });
  assert.equal(await take(from(name, { credentials: user })), bundle.revision);
});

test('gets a token where the registry says, once, if that is an origin it may go to', async () => {
  if (byToken === null) return;
  const name = `${byToken.host}/northwind/access:main`;
  const allowed = { credentials: user, redirectOrigins: [tokens.origin] };
  await assert.rejects(push(name, archive(0), { credentials: user }), { code: 'source-redirected' });
  assert.equal(tokens.requests.length, 0, 'the password went nowhere');
  await push(name, archive(0), allowed);
  tokens.requests.splice(0);
  const source = from(name, allowed);
  assert.equal(await take(source), bundle.revision);
  assert.equal(await take(source), null);
  assert.deepEqual(
    tokens.requests.map(({ url }) => url),
    ['/auth?service=registry&scope=repository%3Anorthwind%2Faccess%3Apull'],
  );
  const guessed = { ...allowed, credentials: { ...user, password: 'guessed' } };
  await assert.rejects(take(from(name, guessed)), { code: 'source-unauthorized' });
});

test('a gateway goes on with what it has while the tag names what it refuses', async () => {
  if (closed === null) return;
  const name = `${closed.host}/northwind/live:main`;
  await push(name, archive(0), { credentials: user });
  const stateFolder = await mkdtemp(join(tmpdir(), 'grantgate-oci-'));
  const silent = () => {};
  const reload = startReload({
    source: { url: `oci://${name}`, stateFolder, verifyKeyPem: ours.open, registry: user },
    pollMs: 600_000,
    onSwap: silent,
    log: { info: silent, warn: silent, error: silent },
    startWorker: startWarmLoader,
  });
  try {
    await reload.started;
    assert.equal(reload.current()?.revision, bundle.revision, reload.status().lastError?.message);
    await push(name, archive(2), { credentials: user });
    await assert.rejects(reload.look(), { code: 'signature-invalid' });
    assert.equal(reload.current()?.revision, bundle.revision);
    await push(name, archive(1), { credentials: user });
    assert.deepEqual(await reload.look(), { changed: true, revision: 'b'.repeat(40) });
    await push(name, archive(0), { credentials: user });
    await assert.rejects(reload.look(), { code: 'counter-rollback' });
  } finally {
    await reload.close();
    await rm(stateFolder, { recursive: true, force: true });
  }
});

/** The same without its module: an opa built by Go cannot run WASM, and answers from the Rego. */
const regoOnly = async (bytes: Buffer): Promise<Buffer> => {
  const files = await unpackTarball(bytes, { bytes: () => 1e9, total: 1e9, files: 100 });
  const { wasm, ...manifest } = JSON.parse(String(files.get('.manifest')));
  assert.ok(wasm);
  files.set('.manifest', Buffer.from(canonicalJson(manifest)));
  for (const name of ['policy.wasm', '.signatures.json']) files.delete(name);
  files.set('.signatures.json', sign(files, readSigningKey(ours.secret)));
  return packTarball(files);
};

test('what is pushed is what OPA pulls: it verifies the same signature and answers the same', async () => {
  if (closed === null) return;
  const name = `${closed.host}/northwind/for-opa:main`;
  await push(name, await regoOnly(archive(0)), { credentials: user });
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-opa-'));
  const ask = async (verifyKey: string, body: string) => {
    const port = await freePort();
    const config = {
      services: {
        registry: {
          url: `http://${closed?.host}`,
          type: 'oci',
          credentials: { bearer: { scheme: 'Basic', token: `${user.username}:${user.password}` } },
        },
      },
      keys: { release: { algorithm: 'ES256', key: verifyKey } },
      bundles: { grantgate: { service: 'registry', resource: name, signing: { keyid: 'release' } } },
    };
    await writeFile(join(folder, 'opa.json'), JSON.stringify(config));
    const args = ['run', '--server', '--addr', `127.0.0.1:${port}`, '--skip-version-check'];
    const env = { PATH: process.env.PATH, HOME: folder, TMPDIR: folder };
    const server = await startServer(
      { path: opa.path, env },
      [...args, '--config-file', join(folder, 'opa.json')],
      port,
    );
    try {
      for (let attempt = 0; attempt < 40; attempt += 1) {
        const health = await fetch(`${server.url}/health?bundles`);
        if (health.status === 200 || /failed to verify|Bundle load failed/.test(server.said())) break;
        await sleep(50);
      }
      const response = await fetch(`${server.url}/v1/data/grantgate/authz/decision`, {
        method: 'POST',
        body,
      });
      return { answer: (await response.json()) as { result?: unknown }, said: server.said() };
    } finally {
      await server.close();
    }
  };
  const input = {
    subject: 'user:ann@example.com',
    groups: [],
    api: 'orders',
    operation: 'listOrders',
    method: 'GET',
    path: '/v1/orders',
    networks: [],
    mfa: false,
    time: Date.UTC(2026, 10, 23) / 1000,
  };
  try {
    const good = await ask(ours.open, JSON.stringify({ input }));
    assert.deepEqual(
      good.answer.result,
      { allow: true, grants: ['orders-billing-read'], reason: 'granted' },
      good.said,
    );
    const bad = await ask(theirs.open, JSON.stringify({ input }));
    assert.equal(bad.answer.result, undefined, bad.said);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
