import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { Admission } from '../../../gateway/decision/admission.ts';
import { newMemory } from '../../../gateway/decision/decision.ts';
import { createAssertionOf } from '../../../gateway/upstream/assertion.ts';
import {
  type AssertionKeys,
  makeAssertionKeys,
  readAssertionKeys,
} from '../../../gateway/upstream/assertionKeys.ts';
import { suite } from '../../_suite.ts';
import { raw, startWorld, type World } from '../_gateway.ts';

const test = suite('assertion');
let world: World;
let folder: string;
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'grantgate-assertion-'));
  world = await startWorld();
});
test.after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

const path = '/orders/v1/orders';
const seen = () => world.upstream.received.at(-1)?.headers['x-grantgate-assertion'] ?? [];
const keySet = (url: string) => createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));

test('an upstream can check who calls, for which API and by which grants', async () => {
  assert.equal((await world.get(path)).status, 200);
  const [text = '', ...more] = seen();
  assert.deepEqual(more, []);
  for (const url of [world.gateway.url, world.gateway.admin]) {
    const { payload } = await jwtVerify(text, keySet(url), {
      issuer: 'grantgate',
      audience: 'orders',
      currentDate: new Date(world.clock.now),
    });
    const record = (await world.records()).at(-1);
    assert.equal(payload.sub, 'user:ann@example.com');
    assert.deepEqual(payload.groups, ['group:billing']);
    assert.deepEqual(payload.grants, ['orders-billing-read']);
    assert.equal(payload.jti, record?.decision_id);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
  }
  const published = await fetch(`${world.gateway.url}/.well-known/jwks.json`);
  assert.equal(published.headers.get('content-type'), 'application/json');
  // A new key is published five minutes before it signs.
  assert.equal(published.headers.get('cache-control'), 'public, max-age=60');
  // The other listener's neighbour: nothing else is open there, and no other method.
  assert.match(
    await raw(
      world.gateway.url,
      'POST /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    ),
    /^HTTP\/1\.1 404 /,
  );
});

test('an assertion cannot be passed off as one for another API, nor with another signature, nor later', async () => {
  await world.get(path);
  const [text = ''] = seen();
  const keys = keySet(world.gateway.url);
  const at = (ms: number) => ({ currentDate: new Date(world.clock.now + ms) });
  await assert.rejects(jwtVerify(text, keys, { audience: 'payments', ...at(0) }), /"aud"/);
  await assert.rejects(jwtVerify(text, keys, { audience: 'orders', ...at(61_000) }), /"exp"/);
  const [head, , signature] = text.split('.');
  const claims = Buffer.from(JSON.stringify({ ...decodeJwt(text), sub: 'user:root' })).toString('base64url');
  await assert.rejects(jwtVerify(`${head}.${claims}.${signature}`, keys, at(0)), /signature/);
});

test('an API that does not ask for an assertion gets none, whatever the caller sends', async () => {
  const file = 'grants/apis/orders.yaml';
  const before = readFileSync(join(world.tree.root, file), 'utf8');
  for (const line of ['', 'assertion: false']) {
    await world.push({ [file]: before.replace('assertion: true', line) });
    assert.equal((await world.get(path, { headers: { 'x-grantgate-assertion': 'forged' } })).status, 200);
    assert.deepEqual(seen(), ['']);
  }
  await world.push({ [file]: before });
  await world.get(path);
  assert.match(seen().join(), /^[\w-]+\.[\w-]+\.[\w-]+$/);
});

const decided = (grants: string[] = ['g'], expires: number | null = null) =>
  ({
    input: { groups: ['group:billing'] },
    result: { allow: true, grants, reason: 'granted' },
    bounds: new Map([['g', { rate: null, expires }]]),
    holds: { from: 0, until: 1 },
    memory: newMemory(),
  }) as unknown as Admission['decision'];
const admission = (id: string, subject = 'user:ann', api = 'orders', decision = decided()) =>
  ({ id, identity: { subject, expiresAt: null }, route: { api }, decision }) as unknown as Admission;
const keysIn = (name: string, clock: { now: number }, more = {}) =>
  makeAssertionKeys({
    algorithm: 'EdDSA',
    file: join(folder, name),
    rotateMs: 3_600_000,
    overlapMs: 300_000,
    now: () => clock.now,
    onFailure: (error) => assert.fail(String(error)),
    ...more,
  });
const signerOf = (keys: AssertionKeys, clock: { now: number }, per: 'caller' | 'request' = 'caller') =>
  createAssertionOf({ keys, per, issuer: 'gw', lifetimeMs: 60_000, now: () => clock.now, random: () => 0.5 });

test('one assertion serves a caller for most of its lifetime, and nobody and nothing else', () => {
  const clock = { now: 1_800_000_000_000 };
  const of = signerOf(keysIn('caller.json', clock), clock);
  const first = of(admission('1'));
  clock.now += 44_000;
  assert.equal(of(admission('2')), first);
  for (const other of [
    admission('3', 'user:bob'),
    admission('3', 'user:ann', 'payments'),
    admission('3', 'user:ann', 'orders', decided(['g', 'h'])),
  ])
    assert.notEqual(of(other), first);
  clock.now += 2000;
  const next = of(admission('4'));
  assert.notEqual(next, first);
  assert.equal(decodeJwt(next ?? '').jti, '4');
  clock.now -= 86_400_000;
  assert.notEqual(of(admission('5')), next);
});

test('assertions made together end apart, and always while they are good for a while yet', () => {
  const clock = { now: 1_800_000_000_000 };
  const keys = keysIn('apart.json', clock);
  const of = createAssertionOf({
    keys,
    per: 'caller',
    issuer: 'gw',
    lifetimeMs: 60_000,
    now: () => clock.now,
  });
  const callers = Array.from({ length: 60 }, (_, at) => `user:${at}`);
  const made = callers.map((subject) => of(admission('1', subject)));
  const ended = (ms: number) => {
    const at = { ...clock };
    clock.now += ms;
    const gone = callers.filter((subject, index) => of(admission('2', subject)) !== made[index]).length;
    clock.now = at.now;
    return gone;
  };
  assert.equal(ended(35_900), 0);
  assert.ok(ended(45_000) > 5 && ended(45_000) < 60);
  assert.equal(ended(54_000), 60);
});

test('what one decision remembers is no older than that, nor signed with another key', () => {
  const clock = { now: 1_800_000_000_000 };
  const keys = keysIn('remembered.json', clock);
  const of = signerOf(keys, clock);
  const decision = decided();
  const ask = (id: string) => of(admission(id, 'user:ann', 'orders', decision));
  const first = ask('1');
  clock.now += 44_000;
  assert.equal(ask('2'), first);
  clock.now += 2000;
  const second = ask('3');
  assert.notEqual(second, first);
  clock.now -= 86_400_000;
  const third = ask('4');
  assert.notEqual(third, second, 'a clock set back');
  const kid = decodeProtectedHeader(third ?? '').kid;
  clock.now += 86_400_000 + 3_600_000;
  keys.look();
  clock.now += 301_000;
  keys.look();
  assert.notEqual(decodeProtectedHeader(ask('5') ?? '').kid, kid);
});

test('per request, each has an assertion of its own', () => {
  const clock = { now: 1_800_000_000_000 };
  const of = signerOf(keysIn('request.json', clock), clock, 'request');
  assert.deepEqual(
    ['1', '2'].map((id) => decodeJwt(of(admission(id)) ?? '').jti),
    ['1', '2'],
  );
});

test('no assertion outlasts the credential or the grant it rests on', () => {
  const clock = { now: 1_800_000_000_000 };
  const of = signerOf(keysIn('ends.json', clock), clock);
  const seconds = clock.now / 1000;
  const soon = { ...admission('1'), identity: { subject: 'user:ann', expiresAt: seconds + 5 } } as Admission;
  assert.equal(decodeJwt(of(soon) ?? '').exp, seconds + 5);
  assert.equal(decodeJwt(of(admission('2')) ?? '').exp, seconds + 60);
  const ending = admission('3', 'user:ann', 'orders', decided(['g'], seconds + 7));
  assert.equal(decodeJwt(of(ending) ?? '').exp, seconds + 7);
});

for (const algorithm of ['EdDSA', 'ES256'] as const) {
  test(`a new key (${algorithm}) is published before it signs, the old one stays until its last assertion has ended`, async () => {
    const clock = { now: 1_800_000_000_000 };
    const keys = keysIn(`${algorithm}.json`, clock, { algorithm });
    const of = signerOf(keys, clock);
    const verify = (text: string | null) =>
      jwtVerify(text ?? '', createLocalJWKSet(JSON.parse(keys.jwks())), { currentDate: new Date(clock.now) });
    const kidOf = (text: string | null) => decodeProtectedHeader(text ?? '').kid;
    const count = () => (JSON.parse(keys.jwks()) as { keys: unknown[] }).keys.length;
    const first = of(admission('1'));
    assert.equal((await verify(first)).protectedHeader.alg, algorithm);
    clock.now += 3_600_000;
    keys.look();
    assert.equal(count(), 2);
    const before = of(admission('2'));
    assert.equal(kidOf(before), kidOf(first));
    clock.now += 301_000;
    keys.look();
    const after = of(admission('3'));
    assert.notEqual(kidOf(after), kidOf(first));
    await verify(after);
    const then = new Date(clock.now - 300_000);
    await jwtVerify(before ?? '', createLocalJWKSet(JSON.parse(keys.jwks())), { currentDate: then });
    // Only public halves are told.
    assert.doesNotMatch(keys.jwks(), /"d":/);
    clock.now += 3_600_000;
    keys.look();
    assert.equal(count(), 2);
    assert.ok(!keys.jwks().includes(kidOf(first) ?? '-'));
  });
}

test('a key that was made while the clock was ahead makes room for the next one, and never signs again', () => {
  const clock = { now: 1_800_000_000_000 + 86_400_000 };
  const name = 'ahead.json';
  const first = keysIn(name, clock).signing().kid;
  clock.now -= 86_400_000;
  const keys = keysIn(name, clock);
  assert.equal(keys.signing().kid, first);
  clock.now += 11_000;
  keys.rotate();
  const published = (JSON.parse(keys.jwks()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  assert.equal(published.length, 2);
  clock.now += 301_000;
  keys.look();
  assert.equal(keys.signing().kid, published.at(-1));
  for (let hour = 0; hour < 30; hour += 1) {
    clock.now += 3_600_000;
    keys.look();
    assert.notEqual(keysIn(name, clock).signing().kid, first, String(hour));
  }
});

test('keys are kept for the next start, for the owner only; a rotation by hand is kept too', () => {
  const clock = { now: 1_800_000_000_000 };
  const name = 'kept.json';
  const keys = keysIn(name, clock);
  assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  assert.equal(keysIn(name, clock).signing().kid, keys.signing().kid);
  clock.now += 60_000;
  keys.rotate();
  // Told twice at once, as two processes on one file are.
  keys.rotate();
  assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  const again = keysIn(name, clock);
  assert.equal(again.jwks(), keys.jwks());
  assert.equal((JSON.parse(keys.jwks()) as { keys: unknown[] }).keys.length, 2);
});

test('processes on one folder publish each other’s keys before these sign', () => {
  const clock = { now: 1_800_000_000_000 };
  const [one, other] = [keysIn('shared.json', clock), keysIn('shared.json', clock)];
  assert.equal(one.jwks(), other.jwks());
  clock.now += 60_000;
  one.rotate();
  assert.notEqual(one.jwks(), other.jwks());
  other.look();
  assert.equal(one.jwks(), other.jwks());
  assert.equal(one.signing().kid, other.signing().kid);
});

test('where keys cannot be kept they are made all the same, and it is told', () => {
  const failures: unknown[] = [];
  const clock = { now: 1_800_000_000_000 };
  writeFileSync(join(folder, 'plain'), '');
  const keys = keysIn('plain/keys.json', clock, { onFailure: (error: unknown) => failures.push(error) });
  assert.ok(keys.signing().key);
  assert.ok(failures.length > 0);
});

test('a key file is shared by gateways: the first key signs, all are published, and it is read again', () => {
  const file = join(folder, 'keys.pem');
  const failures: string[] = [];
  const onFailure = (error: unknown) => failures.push(String(error));
  const [a, b] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'P-256' })];
  const pem = (key: typeof a.privateKey) => String(key.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(file, pem(a.privateKey) + pem(b.privateKey));
  const [one, other] = [readAssertionKeys({ file, onFailure }), readAssertionKeys({ file, onFailure })];
  assert.equal(one.signing().alg, 'EdDSA');
  assert.equal(one.jwks(), other.jwks());
  assert.equal((JSON.parse(one.jwks()) as { keys: unknown[] }).keys.length, 2);
  writeFileSync(file, pem(b.privateKey) + String(a.publicKey.export({ type: 'spki', format: 'pem' })));
  one.rotate();
  assert.equal(one.signing().alg, 'ES256');
  utimesSync(file, 1, 1);
  other.look();
  assert.equal(other.signing().alg, 'ES256');
  writeFileSync(file, 'nonsense');
  one.rotate();
  other.look();
  assert.equal(one.signing().alg, 'ES256');
  assert.equal(failures.length, 2);
  assert.doesNotMatch(failures.join(), /nonsense/);
  assert.throws(() => readAssertionKeys({ file, onFailure }), { code: 'assertion-key-unusable' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  writeFileSync(file, pem(rsa));
  assert.throws(() => readAssertionKeys({ file, onFailure }), /P-256 or Ed25519/);
});

test('a gateway keeps its keys over a restart, in its state folder, and rotates when told', async () => {
  const kept = join(world.folder, 'state/assertion-keys.json');
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.match(readFileSync(kept, 'utf8'), /PRIVATE KEY/);
  const published = async () =>
    ((await (await fetch(`${world.gateway.url}/.well-known/jwks.json`)).json()) as { keys: unknown[] }).keys
      .length;
  assert.equal(await published(), 1);
  world.clock.now += 60_000;
  world.gateway.rotate();
  assert.equal(await published(), 2);
});

test('told not to, a gateway makes none, and its keys’ address is like any other', async () => {
  const plain = await startWorld({ config: { assertion: { per: 'none' } } });
  try {
    assert.equal((await plain.get(path)).status, 200);
    assert.deepEqual(plain.upstream.received.at(-1)?.headers['x-grantgate-assertion'], ['']);
    assert.equal((await fetch(`${plain.gateway.url}/.well-known/jwks.json`)).status, 404);
    assert.equal((await fetch(`${plain.gateway.admin}/.well-known/jwks.json`)).status, 404);
  } finally {
    await plain.close();
  }
});
