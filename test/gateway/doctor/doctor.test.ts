import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { freeDisk } from '../../../gateway/doctor/checkFolders.ts';
import { doctor } from '../../../gateway/doctor/doctor.ts';
import { doctorText } from '../../../gateway/doctor/doctorText.ts';
import type { Finding } from '../../../gateway/doctor/finding.ts';
import { openFloorFile } from '../../../gateway/load/floorFile.ts';
import { saveLastGood } from '../../../gateway/load/lastGood.ts';
import { suite } from '../../_suite.ts';
import { keyPair, sampleBundle } from '../../bundle/_opa.ts';
import { type SampleTree, sampleFiles, sampleTree } from '../../bundle/_organisation.ts';
import { makeCertificate } from '../_certificates.ts';
import { type Issuer, startIssuer } from '../_issuer.ts';

const test = suite('doctor');
const secret = 'not-to-be-seen';
const folder = mkdtempSync(join(tmpdir(), 'grantgate-doctor-test-'));
const [ours, theirs] = [keyPair('ec'), keyPair('ec')];
const source = `file:${join(folder, 'bundle.tar.gz')}`;
let issuer: Issuer;
let endpoint: Server;
let endpointUrl: string;
let answer: { status: number; body: string };
let bundle: Bundle;

const put = async (terms: Partial<Bundle> = {}) =>
  writeFileSync(
    join(folder, 'bundle.tar.gz'),
    await pack({ ...bundle, ...terms }, readSigningKey(ours.secret)),
  );
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return name;
};

test.before(async () => {
  // Nothing listens on the discard port.
  const nowhere = Object.fromEntries(
    ['orders', 'payments'].map((api) => {
      const name = `grants/apis/${api}.yaml`;
      return [name, (sampleFiles[name] ?? '').replace(/upstream: .*/, 'upstream: http://127.0.0.1:9')];
    }),
  );
  ({ bundle } = await sampleBundle(nowhere));
  issuer = await startIssuer();
  endpoint = createServer((_, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  await new Promise<void>((done) => endpoint.listen(0, '127.0.0.1', done));
  endpointUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/introspect`;
  file('key.pem', ours.open);
  file('other.pem', theirs.open);
});
test.before.each(async () => {
  answer = { status: 200, body: '{"active":false}' };
  issuer.fault('none');
  rmSync(join(folder, '.grantgate'), { recursive: true, force: true });
  await put();
});
test.after(async () => {
  endpoint.closeAllConnections();
  await new Promise((done) => endpoint.close(done));
  await issuer.close();
  rmSync(folder, { recursive: true, force: true });
});

type Changes = Record<string, unknown>;
const written = (changes: Changes = {}): string => {
  const { issuers, introspection, bundle: section, ...rest } = changes;
  const config = {
    listen: { port: 0 },
    admin: { port: 0, token: { env: 'DOCTOR_SECRET' } },
    bundle: { source, key: 'key.pem', ...(section as Changes) },
    issuers: [{ issuer: issuer.url, audience: 'grantgate', ...(issuers as Changes) }],
    introspection: {
      endpoint: endpointUrl,
      issuer: 'https://login.example.com',
      client_id: 'grantgate',
      client_secret: { env: 'DOCTOR_SECRET' },
      audience: 'grantgate',
      ...(introspection as Changes),
    },
    ...rest,
  };
  return join(folder, file('gateway.yaml', JSON.stringify(config)));
};
const examine = async (changes: Changes = {}, options: Partial<Parameters<typeof doctor>[1]> = {}) => {
  const env = { ...process.env, DOCTOR_SECRET: secret };
  const found = await doctor(written(changes), { env, now: Date.now, uid: process.getuid?.(), ...options });
  assert.ok(!JSON.stringify(found).includes(secret), 'a secret is told');
  for (const { state, advice } of found) assert.equal(advice === undefined, state === 'ok');
  return found;
};
const saying = (found: readonly Finding[], state: Finding['state'], check: string, what: RegExp) =>
  assert.ok(
    found.some((one) => one.state === state && one.check === check && what.test(one.message)),
    `no ${state} of ${check} like ${what} in ${JSON.stringify(found, null, 1)}`,
  );
const problems = (found: readonly Finding[]) => found.filter(({ state }) => state === 'problem');

test('finds nothing wrong with a deployment that can serve, and leaves no trace in its folders', async () => {
  const before = readdirSync(folder).sort();
  const found = await examine();
  assert.deepEqual(problems(found), []);
  saying(found, 'ok', 'bundle.source', /signed by a known key/);
  saying(found, 'ok', `issuer ${issuer.url}`, /1 of 1 keys/);
  saying(found, 'ok', 'introspection', /answers/);
  saying(found, 'warning', 'upstream of orders, payments', /cannot be reached/);
  assert.deepEqual(readdirSync(folder).sort(), [...new Set([...before, 'gateway.yaml'])].sort());
});

test('says that no person can call where no tokens are taken', async () => {
  const without = written();
  const { issuers, introspection, ...rest } = JSON.parse(readFileSync(without, 'utf8')) as Changes;
  const found = async (config: Changes) => {
    const path = join(folder, file('callers.yaml', JSON.stringify(config)));
    return doctor(path, { env: { ...process.env, DOCTOR_SECRET: secret }, now: Date.now, uid: undefined });
  };
  saying(await found(rest), 'warning', 'issuers', /no person can call: only services with an API key get in/);
  assert.ok(!(await found({ ...rest, issuers })).some(({ check }) => check === 'issuers'));
  assert.ok(!(await found({ ...rest, introspection })).some(({ check }) => check === 'issuers'));
});

test('names every mistake of a file that is not valid', async () => {
  const found = await examine({ listen: { port: 70_000 }, wokers: 2 });
  assert.equal(problems(found).length, 2);
  assert.ok(found.every(({ check }) => check === 'file'));
});

test('refuses a bundle that is missing, of another signer, over, or older than what was in force', async () => {
  saying(await examine({ bundle: { key: 'other.pem' } }), 'problem', 'bundle.source', /nothing is kept here/);
  await put({ validUntil: '2026-01-01T00:00:00Z' });
  saying(await examine(), 'problem', 'bundle.source', /valid until 2026-01-01/);
  await put();
  const state = join(folder, '.grantgate/state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const name = source;
  await openFloorFile(state, name).raise({ counter: bundle.counter }, false);
  assert.deepEqual(problems(await examine()), []);
  await openFloorFile(state, name).raise({ counter: bundle.counter + 1 }, false);
  saying(await examine(), 'problem', 'bundle.source', /older than release/);
  await saveLastGood(state, name, { archive: Buffer.from('x'), counter: 1 });
  chmodSync(join(state, 'last-good.bundle'), 0o666);
  saying(await examine(), 'warning', 'bundle.source', /written by another user: a start without/);
  chmodSync(join(state, 'last-good.bundle'), 0o600);
  rmSync(join(folder, 'bundle.tar.gz'));
  saying(await examine(), 'problem', 'bundle.source', /there is no bundle at .*would serve on/);
  const later = { now: () => Date.now() + 7_200_000 };
  const stale = await examine({ bundle: { max_staleness: '1h' } }, later);
  saying(stale, 'problem', 'bundle.source', /older than "max_staleness"/);
});

test('refuses a state folder that others can write to, or that is somebody else’s', async () => {
  const state = join(folder, '.grantgate/state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  saying(await examine(), 'ok', 'state', /this user's alone/);
  chmodSync(state, 0o777);
  saying(await examine(), 'problem', 'state', /written to by other users/);
  chmodSync(state, 0o700);
  saying(await examine({}, { uid: 54_321 }), 'problem', 'state', /belongs to user/);
  file('plain', '');
  saying(
    await examine({ decisions: { folder: 'plain/x' } }),
    'problem',
    'decisions.folder',
    /cannot be written/,
  );
});

test('refuses an issuer without keys that fit, with another clock, or without an answer', async () => {
  const check = `issuer ${issuer.url}`;
  saying(await examine({ issuers: { algorithms: ['RS256'] } }), 'problem', check, /none of its 1 keys/);
  const slow = await examine({}, { now: () => Date.now() - 30_000 });
  saying(slow, 'warning', check, /ahead of ours/);
  const fast = await examine({}, { now: () => Date.now() + 120_000 });
  saying(fast, 'problem', check, /behind ours/);
  issuer.fault('down');
  saying(await examine(), 'problem', check, /\(status\): .* answered 503/);
  issuer.fault('hang');
  const patienceMs = { long: 60_000, short: 700 };
  saying(await examine({}, { patienceMs }), 'problem', check, /no answer within/);
});

test('counts no key that could not verify: of another use, too short, or for another algorithm', async () => {
  const check = `issuer ${issuer.url}`;
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const unfit = [short, { kty: 'oct' }, { kty: 'RSA', n: 'AQAB' }];
  try {
    for (const change of [{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'RSA-OAEP' }]) {
      issuer.publish((keys) => keys.map((key) => ({ ...key, ...change })));
      saying(await examine(), 'problem', check, /none of its 1 keys/);
    }
    issuer.publish(() => unfit);
    saying(await examine(), 'problem', check, /none of its 3 keys/);
    issuer.publish((keys) => [...keys, ...unfit]);
    saying(await examine(), 'ok', check, /1 of 4 keys/);
  } finally {
    issuer.publish((keys) => keys);
  }
});

test('warns of a disk that fills, and refuses one that is full', () => {
  const MiB = 2 ** 20;
  const disk = (mebibytes: number, ffree = 5000, files = 10_000) =>
    freeDisk('/x', { bavail: mebibytes, bsize: MiB, files, ffree }).state;
  assert.deepEqual([disk(4000), disk(1000), disk(100)], ['ok', 'warning', 'problem']);
  assert.deepEqual([disk(4000, 10), disk(4000, 0, 0)], ['problem', 'ok']);
});

test('refuses an introspection endpoint that turns us away, or takes any token for active', async () => {
  answer = { status: 401, body: `{"error":"${secret}"}` };
  saying(await examine(), 'problem', 'introspection', /answered 401/);
  answer = { status: 200, body: '{"active":true,"sub":"ann","aud":"grantgate","exp":9999999999}' };
  saying(await examine(), 'problem', 'introspection', /nobody issued/);
  answer = { status: 200, body: '{"active":true,"sub":"ann","aud":"other"}' };
  saying(await examine(), 'problem', 'introspection', /nobody issued/);
});

test('refuses ports that are taken, by others or by itself', async () => {
  const { port } = endpoint.address() as AddressInfo;
  saying(await examine({ listen: { port } }), 'problem', 'listen', /is taken already/);
  const twice = await examine({ listen: { port: 18_571 }, admin: { port: 18_571 } });
  saying(twice, 'problem', 'admin', /that of "listen" as well/);
  const home = join(folder, '.grantgate/decisions/gw-1');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, '.lock'), String(process.pid));
  saying(await examine({ listen: { port } }), 'warning', 'listen', /serves this instance already/);
});

test('refuses certificates that are over, and keys that are not theirs', async () => {
  const make = (to: string) => makeCertificate({ subject: [['CN', 'gw']], dns: ['gw'], usage: 'server', to });
  const day = (days: number) =>
    `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')}000000Z`;
  const [good, soon, over] = [make(day(200)), make(day(5)), make(day(-2))];
  const tls = (pair: typeof good, key = pair.key) => ({
    listen: { port: 0, tls: { cert: file('tls.pem', pair.cert), key: file('tls-key.pem', key) } },
  });
  const fine = await examine(tls(good));
  assert.deepEqual(problems(fine), []);
  saying(fine, 'ok', 'listen.tls.cert', /CN=gw holds until/);
  saying(await examine(tls(soon)), 'warning', 'listen.tls.cert', /holds until/);
  saying(await examine(tls(over)), 'problem', 'listen.tls.cert', /has ended/);
  saying(await examine(tls(good, soon.key)), 'problem', 'listen.tls', /cannot be used/);
});

test('warns of proxies that are half the world, and refuses a store that does not answer', async () => {
  const found = await examine(
    {
      trusted_proxies: ['8.0.0.0/8', '192.168.0.0/13', '::ffff:9.0.0.0/104', '10.0.0.0/8', 'fd00::/8'],
      limits: { store: 'redis://127.0.0.1:1/0' },
    },
    { patienceMs: { long: 60_000, short: 1500 } },
  );
  saying(found, 'warning', 'trusted_proxies', /^8\.0\.0\.0\/8/);
  // One that begins with an address of nobody's and reaches beyond, and IPv4 that is written as IPv6.
  saying(found, 'warning', 'trusted_proxies', /^192\.168\.0\.0\/13/);
  saying(found, 'warning', 'trusted_proxies', /^::ffff:9\.0\.0\.0\/104/);
  assert.equal(found.filter(({ check }) => check === 'trusted_proxies').length, 3);
  // On a machine that is busy, the patience ends first.
  saying(found, 'problem', 'limits.store', /ECONNREFUSED|does not answer/);
  const open = await examine({ listen: { host: '0.0.0.0', port: 0 } });
  saying(open, 'warning', 'trusted_proxies', /plain HTTP/);
});

test('says what a gateway that compiles lacks without opa, and reaches the repository all the same', async () => {
  const tree: SampleTree = await sampleTree({}, { git: true });
  try {
    const env = { DOCTOR_SECRET: secret, PATH: '', XDG_CACHE_HOME: join(folder, 'no-cache'), HOME: folder };
    const found = await examine(
      { bundle: { source: `git+file://${tree.root}#main`, key: undefined } },
      { env },
    );
    saying(found, 'problem', 'opa', /is not there/);
    saying(found, 'warning', 'bundle.source', /was not compiled/);
    const gone = await examine(
      { bundle: { source: `git+file://${tree.root}#gone`, key: undefined } },
      { env },
    );
    saying(gone, 'problem', 'bundle.source', /gone/);
  } finally {
    await tree.remove();
  }
});

test('prints lines of 80 columns at most, and nothing that draws on a terminal', () => {
  const text = doctorText([
    {
      check: 'a',
      state: 'problem',
      message: `${'word '.repeat(40)}\u001b[31mred\nline`,
      advice: 'do this '.repeat(20),
    },
    { check: 'b', state: 'ok', message: 'fine' },
  ]);
  for (const line of text.split('\n')) assert.ok([...line].length <= 80, line);
  assert.ok(!text.includes('\u001b'));
  assert.match(text, /^✗ a: word/);
  assert.match(text, /\n {2}→ do this/);
  assert.match(text, /\n✓ b: fine\n1 problem, 0 warnings$/);
});

test('exits with 1 for problems and with 2 for a file that is not there', async () => {
  const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
  const run = (config: string) =>
    new Promise<{ code: unknown; stdout: string }>((done) =>
      execFile(process.execPath, [cli, 'doctor', '--config', config, '--json'], (error, stdout) =>
        done({ code: error?.code ?? 0, stdout }),
      ),
    );
  const bad = written({ bundle: { key: 'other.pem' } });
  const [one, two] = await Promise.all([run(bad), run(join(folder, 'nowhere.yaml'))]);
  assert.deepEqual([one.code, two.code], [1, 2]);
  assert.equal(JSON.parse(one.stdout).ok, false);
});
