import * as assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AnswerError } from '../../../gateway/http/fault.ts';
import { fetchKeys } from '../../../gateway/identity/fetchKeys.ts';
import { suite } from '../../_suite.ts';

const test = suite('fetchKeys');
const answers = new Map<string, unknown>();
const asked: string[] = [];
const server = createServer(({ url = '' }, response) => {
  asked.push(url);
  response.end(JSON.stringify(answers.get(url) ?? null));
});
let issuer: string;
test.before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.before.each(() => {
  asked.splice(0);
  answers.clear();
  answers.set('/keys', { keys: [key('a')] });
});
test.after(() => void server.close());

const discovery = '/.well-known/openid-configuration';
const key = (kid: string) => ({ kty: 'EC', crv: 'P-256', kid, x: 'x', y: 'y' });
const refusal = async (options: Parameters<typeof fetchKeys>[0]) =>
  fetchKeys(options).then(
    () => 'taken',
    (error: unknown) => {
      assert.ok(error instanceof AnswerError, String(error));
      return error.fault;
    },
  );
const published = (set: unknown) => {
  answers.set('/keys', set);
  return refusal({ issuer, jwksUri: `${issuer}/keys` });
};

test('keys are where the issuer’s document says, or where the configuration does, without that document', async () => {
  answers.set(discovery, { issuer, jwks_uri: `${issuer}/keys` });
  assert.deepEqual(await fetchKeys({ issuer }), { keys: [key('a')] });
  assert.deepEqual(asked.splice(0), [discovery, '/keys']);
  answers.set(discovery, { issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` });
  assert.deepEqual(await fetchKeys({ issuer: `${issuer}/` }), { keys: [key('a')] });
  assert.deepEqual(asked.splice(0), [discovery, '/keys'], 'one slash, not two');
  let told: string | null = '';
  const onHeaders = (headers: Headers) => {
    told = headers.get('connection');
  };
  await fetchKeys({ issuer, jwksUri: `${issuer}/keys`, onHeaders });
  assert.deepEqual([asked, told], [['/keys'], 'keep-alive']);
});

test('a document of another issuer, or without an address of keys, leads nowhere', async () => {
  for (const document of [
    ...[
      null,
      7,
      [],
      {},
      { jwks_uri: `${issuer}/keys` },
      { issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` },
    ],
    ...[undefined, null, 7, [`${issuer}/keys`], 'keys', '/keys', ''].map((uri) => ({
      issuer,
      jwks_uri: uri,
    })),
  ]) {
    answers.set(discovery, document);
    assert.equal(await refusal({ issuer }), 'content', JSON.stringify(document));
  }
  assert.ok(asked.every((url) => url === discovery));
});

test('a set without keys, with too many or with what is no public key, is none', async () => {
  for (const set of [null, 7, [], {}, { keys: [] }, { keys: {} }, { keys: null }])
    assert.equal(await published(set), 'key-set-empty', JSON.stringify(set));
  const many = (count: number) => ({ keys: Array.from({ length: count }, (_, at) => key(`k${at}`)) });
  assert.equal(await published(many(256)), 'taken');
  assert.equal(await published(many(257)), 'too-large');
  for (const other of [null, 7, 'key']) assert.equal(await published({ keys: [key('a'), other] }), 'content');
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
    assert.equal(
      await published({ keys: [key('a'), { ...key('b'), [member]: '' }] }),
      'key-not-public',
      member,
    );
});

test('a key that is published twice, in whichever order of its members, is one', async () => {
  const { kty, ...rest } = key('a');
  answers.set('/keys', { keys: [key('a'), { ...rest, kty }, key('b'), { ...key('a'), use: 'sig' }] });
  const { keys } = await fetchKeys({ issuer, jwksUri: `${issuer}/keys` });
  assert.deepEqual(
    keys.map(({ kid, use }) => [kid, use]),
    [
      ['a', undefined],
      ['b', undefined],
      ['a', 'sig'],
    ],
  );
});
