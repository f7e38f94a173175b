import * as assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bundle } from '../../../../bundle/archive/bundle.ts';
import { pack } from '../../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../../bundle/archive/readSigningKey.ts';
import { objectUrl } from '../../../../bundle/bucket/objectUrl.ts';
import { signRequest } from '../../../../bundle/bucket/signRequest.ts';
import { evaluateWasm } from '../../../../gateway/decision/evaluator.ts';
import { parseSource } from '../../../../gateway/source/contract/parseSource.ts';
import type { Source } from '../../../../gateway/source/contract/source.ts';
import { openSource, type SourceConfig } from '../../../../gateway/source/openSource.ts';
import { pushBundle } from '../../../../gateway/source/pushBundle.ts';
import { suite } from '../../../_suite.ts';
import { keyPair, sampleBundle } from '../../../bundle/_opa.ts';
import { type BucketServer, startBucketServer } from '../../_bucket.ts';

const test = suite('s3 source');
const [ours, theirs] = [keyPair('ec'), keyPair('ec')];

let bundle: Bundle;
let archives: Buffer[] = [];
let store: BucketServer | null = null;
const sources: Source[] = [];

test.before(async () => {
  ({ bundle } = await sampleBundle());
  const later = { ...bundle, revision: 'b'.repeat(40), counter: bundle.counter + 1 };
  const signed = [bundle, later].map((each) => pack(each, readSigningKey(ours.secret)));
  archives = await Promise.all([...signed, pack(bundle, readSigningKey(theirs.secret))]);
  store = await startBucketServer('northwind');
  if (store === null) console.log('      a server of buckets cannot be had here');
});
test.after.each(async () => {
  for (const source of sources.splice(0)) await source.close();
});
test.after(async () => store?.close());

const never = new AbortController().signal;
const archive = (index: number) => archives[index] ?? Buffer.alloc(0);
const access = ({ endpoint, keys }: BucketServer) => ({
  region: 'us-east-1',
  endpoint,
  pathStyle: true,
  keys,
});
const push = (to: BucketServer, key: string, bytes: Buffer) =>
  pushBundle(bytes, bundle, { address: `s3://${to.bucket}/${key}`, store: access(to) }, never);
const open = (url: string, more: Partial<SourceConfig> = {}): Source => {
  const source = openSource(
    {
      url,
      stateFolder: '/nowhere',
      verifyKeyPem: ours.open,
      timeoutMs: 5000,
      ...more,
    },
    { evaluator: evaluateWasm },
  );
  sources.push(source);
  return source;
};
const take = async (source: Source) => {
  const found = await source.next({ signal: never });
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};

test('takes an object once, and the next one when it is replaced, by entity tag', async () => {
  if (store === null) return;
  for (const key of ['bundle.tar.gz', 'team-a/2026/bundle_v1.tar.gz']) {
    const url: string = `s3://${store.bucket}/${key}`;
    assert.deepEqual(await push(store, key, archive(0)), { address: url, digest: null });
    const source = open(url, { store: access(store) });
    assert.deepEqual([source.kind, source.name], ['s3', url]);
    assert.equal(await take(source), bundle.revision);
    assert.equal(await take(source), null);
    await push(store, key, archive(1));
    assert.equal(await take(source), 'b'.repeat(40));
  }
  const statuses = [...store.said().matchAll(/"GET \S+ \S+" (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ['200', '304', '200', '200', '304', '200']);
});

test('is turned away with a wrong key or none, and finds nothing where nothing is', async () => {
  if (store === null) return;
  const { bucket, keys } = store;
  await push(store, 'guarded.tar.gz', archive(0));
  const url = `s3://${bucket}/guarded.tar.gz`;
  const good = access(store);
  for (const wrong of [
    { ...keys, secretKey: 'guessed' },
    { ...keys, accessKey: 'AKIAUNKNOWN' },
  ]) {
    await assert.rejects(take(open(url, { store: { ...good, keys: wrong } })), {
      code: 'source-unauthorized',
    });
    await assert.rejects(
      pushBundle(archive(1), bundle, { address: url, store: { ...good, keys: wrong } }, never),
      { code: 'source-unauthorized' },
    );
  }
  assert.equal(await take(open(url, { store: good })), bundle.revision);
  await assert.rejects(take(open(`s3://${bucket}/nothing`, { store: good })), { code: 'source-not-found' });
  await assert.rejects(take(open('s3://elsewhere/bundle.tar.gz', { store: good })), {
    code: 'source-not-found',
  });
});

test('refuses what another key signed and what is too large, as from any server', async () => {
  if (store === null) return;
  const url = `s3://${store.bucket}/foreign.tar.gz`;
  await push(store, 'foreign.tar.gz', archive(2));
  const source = open(url, { store: access(store) });
  await assert.rejects(take(source), { code: 'signature-invalid' });
  await assert.rejects(take(open(url, { store: access(store), maxBytes: 1000 })), {
    code: 'source-too-large',
  });
  await push(store, 'foreign.tar.gz', archive(0));
  assert.equal(await take(source), bundle.revision);
});

test('needs to know where buckets are, and a key for what lies in them', () => {
  assert.throws(() => open('s3://northwind/bundle.tar.gz'), { code: 'source-invalid' });
  assert.throws(
    () =>
      openSource(
        { url: 's3://northwind/bundle.tar.gz', stateFolder: '/nowhere', store: { region: 'x' } },
        { evaluator: evaluateWasm },
      ),
    { code: 'source-invalid' },
  );
});

test('asks without a signature for what everybody may read, and shows a redirect no signature', async () => {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    if (request.url === '/northwind/bundle.tar.gz')
      response.writeHead(307, { location: `http://localhost:${port()}/elsewhere` }).end();
    else response.end(archive(0));
  });
  const port = () => (server.address() as AddressInfo).port;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const endpoint = `http://127.0.0.1:${port()}`;
  const where = { region: 'us-east-1', endpoint, pathStyle: true };
  const keys = { accessKey: 'AKIA', secretKey: 's3cret', sessionToken: 'a-session' };
  const url = 's3://northwind/bundle.tar.gz';
  const redirectOrigins = [`http://localhost:${port()}`];
  await assert.rejects(take(open(url, { store: { ...where, keys } })), { code: 'source-redirected' });
  for (const each of [where, { ...where, keys }])
    assert.equal(await take(open(url, { store: each, redirectOrigins })), bundle.revision);
  assert.deepEqual(
    asked.map(({ headers }) => [headers.authorization?.split(' ')[0], headers['x-amz-security-token']]),
    [
      ['AWS4-HMAC-SHA256', 'a-session'],
      [undefined, undefined],
      [undefined, undefined],
      ['AWS4-HMAC-SHA256', 'a-session'],
      [undefined, undefined],
    ],
  );
  server.closeAllConnections();
  server.close();
});

test('signs the body too, and nothing that a proxy may change', async () => {
  const sign = signRequest({ accessKey: 'AKIA', secretKey: 's3cret' }, 'eu-central-1');
  const url = 'https://b.example/k';
  const body = Buffer.from('a body');
  const [empty, full] = [
    await sign({ url, headers: { accept: '*/*' } }),
    await sign({ method: 'PUT', url, headers: {}, body }),
  ];
  for (const headers of [empty, full]) {
    assert.match(headers.authorization ?? '', /SignedHeaders=host;x-amz-content-sha256;x-amz-date,/);
    assert.ok(!JSON.stringify(headers).includes('s3cret'));
  }
  assert.notEqual(empty['x-amz-content-sha256'], full['x-amz-content-sha256']);
});

test('knows where an object lies, at AWS and elsewhere', () => {
  const object = { bucket: 'northwind', key: 'access/bundle.tar.gz' };
  for (const [where, url] of [
    [{ region: 'eu-west-1' }, 'https://northwind.s3.eu-west-1.amazonaws.com/access/bundle.tar.gz'],
    [{ region: 'x', endpoint: 'https://o.example' }, 'https://northwind.o.example/access/bundle.tar.gz'],
    [
      { region: 'x', endpoint: 'https://o.example:9000/s3/', pathStyle: true },
      'https://o.example:9000/s3/northwind/access/bundle.tar.gz',
    ],
  ] as const)
    assert.equal(objectUrl(object, where), url);
});

test('reads the addresses of objects, and no other', () => {
  assert.deepEqual(parseSource('s3://north-wind.1/a/b-c/d_e.tar.gz'), {
    kind: 's3',
    bucket: 'north-wind.1',
    key: 'a/b-c/d_e.tar.gz',
  });
  for (const address of [
    's3://',
    's3://bucket',
    's3://bucket/',
    's3://Bucket/key',
    's3://a..b/key',
    's3://user:pass@bucket/key',
    's3://bucket/../key',
    's3://bucket/a/../key',
    's3://bucket/a/..',
    's3://bucket/a//key',
    's3://bucket/a/',
    's3://bucket/a%2e',
    's3://bucket/a+b',
    's3://bucket/a=b',
    's3://bucket/a?versionId=1',
  ])
    assert.throws(() => parseSource(address), { code: 'source-invalid' }, address);
});
