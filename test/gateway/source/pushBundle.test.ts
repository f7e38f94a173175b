import * as assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { evaluateWasm } from '../../../gateway/decision/evaluator.ts';
import { openSource, type SourceConfig } from '../../../gateway/source/openSource.ts';
import { commandLine, started } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { keyPair, sampleBundle } from '../../bundle/_opa.ts';
import { type BucketServer, startBucketServer } from '../_bucket.ts';
import { type Registry, startRegistry, user } from '../_registry.ts';

const test = suite('push');
const [ours, theirs] = [keyPair('ec'), keyPair('ec')];

let folder: string;
let bundle: Bundle;
let registry: Registry | null = null;
let store: BucketServer | null = null;

test.before(async () => {
  // What the machine has of its own is none of the tests'.
  for (const name of Object.keys(process.env))
    if (/^(?:AWS_|REGISTRY_PASSWORD$)/.test(name)) delete process.env[name];
  ({ bundle } = await sampleBundle());
  folder = await mkdtemp(join(tmpdir(), 'grantgate-push-'));
  await writeFile(join(folder, 'bundle.tar.gz'), await pack(bundle, readSigningKey(ours.secret)));
  await writeFile(join(folder, 'no-bundle.tar.gz'), 'text');
  await writeFile(join(folder, 'ours.pub.pem'), ours.open);
  await writeFile(join(folder, 'theirs.pub.pem'), theirs.open);
  [registry, store] = await Promise.all([startRegistry('password'), startBucketServer('northwind')]);
});
test.after(async () => {
  await Promise.all([registry?.close(), store?.close()]);
  await rm(folder, { recursive: true, force: true });
});

const push = (args: string[], env: Record<string, string> = {}) =>
  commandLine(['push', ...args], { cwd: folder, env });
const revisionAt = async (config: Omit<SourceConfig, 'stateFolder'>) => {
  const source = openSource(
    { stateFolder: folder, verifyKeyPem: ours.open, ...config },
    { evaluator: evaluateWasm },
  );
  try {
    return (await source.next({ signal: new AbortController().signal }))?.bundle.revision;
  } finally {
    await source.close();
  }
};

test('puts a bundle where a gateway takes it from, by tag and by the digest it prints', async () => {
  if (registry === null) return;
  const address = `oci://${registry.host}/northwind/access:main`;
  const args = [address, 'bundle.tar.gz', '--username', user.username];
  const { code, stdout, stderr } = await started(['push', ...args, '--key', 'ours.pub.pem', '--json'], {
    cwd: folder,
    env: { REGISTRY_PASSWORD: user.password },
  });
  assert.equal(code, 0, stderr);
  const { digest, ...facts } = JSON.parse(stdout);
  assert.deepEqual(Object.keys(facts), ['address', 'revision', 'counter', 'bytes']);
  assert.equal(facts.revision, bundle.revision);
  for (const url of [address, `oci://${registry.host}/northwind/access@${digest}`])
    assert.equal(await revisionAt({ url, registry: user }), bundle.revision);
  const again = await push([...args, '--password-env', 'PW'], { PW: user.password });
  assert.match(
    again.stdout,
    new RegExp(`^${address}@${digest}: revision ${bundle.revision}, \\d+ bytes\\n$`),
  );
});

test('puts it into a bucket', async () => {
  if (store === null) return;
  const env = { AWS_ACCESS_KEY_ID: store.keys.accessKey, AWS_SECRET_ACCESS_KEY: store.keys.secretKey };
  const url = `s3://${store.bucket}/access/bundle.tar.gz`;
  const args = [url, 'bundle.tar.gz', '--endpoint', store.endpoint, '--path-style', '--json'];
  const { code, stdout, stderr } = await push(args, env);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).address, url);
  const access = { region: 'us-east-1', endpoint: store.endpoint, pathStyle: true, keys: store.keys };
  assert.equal(await revisionAt({ url, store: access }), bundle.revision);
  const wrong = await push(args, { ...env, AWS_SECRET_ACCESS_KEY: 'guessed' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /answers 403/);
});

test('ends with 1 for what is refused, and tells no secret', async () => {
  if (registry === null) return;
  const address = `oci://${registry.host}/northwind/other:main`;
  const wrong = await push([address, 'bundle.tar.gz', '--username', 'ci'], { REGISTRY_PASSWORD: 'guessed' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^grantgate: the bundle server answers 401\n$/);
  assert.equal((await push([address, 'no-bundle.tar.gz'])).code, 1);
  const signer = await push(
    [address, 'bundle.tar.gz', '--key', 'theirs.pub.pem', '--username', user.username],
    {
      REGISTRY_PASSWORD: user.password,
    },
  );
  assert.equal(signer.code, 1);
  await assert.rejects(revisionAt({ url: address, registry: user }), { code: 'source-not-found' });
});

test('ends with 2 for what was asked wrongly', async () => {
  const registryAddress = 'oci://registry.example.com/northwind/access:main';
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const [args, said] of [
    [['https://registry.example.com/x', 'bundle.tar.gz'], /pushed to oci:/],
    [['oci://registry.example.com/UPPER', 'bundle.tar.gz'], /an image is named/],
    [[`oci://registry.example.com/a@${digest}`, 'bundle.tar.gz'], /pushed to a tag/],
    [[registryAddress, 'nothing.tar.gz'], /nothing\.tar\.gz cannot be read/],
    [[registryAddress, 'bundle.tar.gz', '--username', 'ci'], /REGISTRY_PASSWORD is not set/],
    [[registryAddress, 'bundle.tar.gz', '--username', 'ci', '--token-env', 'PATH'], /give one/],
    [[registryAddress, 'bundle.tar.gz', '--origins', 'http://auth.example.com'], /must be https/],
    [['s3://northwind/bundle.tar.gz', 'bundle.tar.gz'], /AWS_ACCESS_KEY_ID is not set/],
    [['s3://northwind/bundle.tar.gz', 'bundle.tar.gz', '--endpoint', 'http://o.example'], /must be https/],
    [[registryAddress], /missing required argument/],
  ] as const) {
    const { code, stderr } = await push([...args]);
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.match(stderr, said);
  }
});
