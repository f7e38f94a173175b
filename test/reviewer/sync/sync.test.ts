import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Synced } from '../../../reviewer/sync/sync.ts';
import { type SyncOptions, syncFolder } from '../../../reviewer/sync/syncProviders.ts';
import { syncText } from '../../../reviewer/sync/syncText.ts';
import { suite } from '../../_suite.ts';
import {
  type Organisation,
  type Reply,
  type Stub,
  serveGithub,
  serveGraph,
  serveOkta,
  serveScim,
} from './_providers.ts';

const test = suite('sync');
const noon = Date.parse('2026-11-23T12:00:00Z');

const start = (): Organisation => ({
  people: [
    { id: '11', login: 'ann@example.com', manager: '12', lastSignIn: '2026-11-20T08:12:44.123Z' },
    { id: '12', login: 'dana@example.com' },
    { id: '13', login: 'bob@example.com', status: 'suspended', manager: '12' },
    { id: '14', login: 'cleo@example.com', manager: '12' },
    { id: '15', login: 'eve@example.com' },
  ],
  groups: [
    { id: '21', name: 'billing', people: ['11', '13', '14'], groups: ['22'] },
    { id: '22', name: 'finance', people: ['12'] },
    { id: '23', name: 'secret-project', people: ['15'] },
  ],
});

let organisation = start();
const stubs: Record<'okta' | 'entra' | 'github' | 'scim', Stub> = {} as never;
const folders: string[] = [];
test.before(async () => {
  stubs.okta = await serveOkta(() => organisation);
  stubs.entra = await serveGraph(() => organisation);
  stubs.github = await serveGithub(() => organisation);
  stubs.scim = await serveScim(() => organisation);
});
test.before.each(() => {
  organisation = start();
  for (const stub of Object.values(stubs)) {
    stub.fault = () => null;
    stub.between = () => {};
    stub.requests.length = 0;
    stub.credentials.length = 0;
  }
});
test.after(async () => {
  for (const stub of Object.values(stubs)) await stub.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const configs: Record<keyof typeof stubs, () => string> = {
  okta: () => `kind: okta\n    url: ${stubs.okta.url}\n    token: { env: TOKEN }`,
  entra: () =>
    `kind: entra\n    url: ${stubs.entra.url}\n    authority: ${stubs.entra.url}\n    tenant: t1\n    client: { id: c1, secret: { env: SECRET } }`,
  github: () =>
    `kind: github\n    url: ${stubs.github.url}/api/v3\n    organisation: northwind\n    token: { env: TOKEN }`,
  scim: () => `kind: scim\n    url: ${stubs.scim.url}/scim/v2\n    token: { env: TOKEN }`,
};
type Kind = keyof typeof configs;

type World = {
  root: string;
  run: (more?: Partial<SyncOptions> & { write?: boolean }) => Promise<Synced[]>;
};

/** A repository that syncs with one provider; the pauses it makes are noted and not waited for. */
function world(kind: Kind, more = '', pauses: number[] = []): World {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-sync-'));
  folders.push(root);
  mkdirSync(join(root, 'grants/apis'), { recursive: true });
  mkdirSync(join(root, 'grants/access/orders'), { recursive: true });
  writeFileSync(
    join(root, 'grants/apis/orders.yaml'),
    `api: orders\ndescription: Orders\nowner: group:billing\ntier: high\nupstream: http://orders.internal:8080\nroute: { prefix: /orders, strip: true }\noperations:\n  getOrder: GET /v1/orders/{orderId}\nroles:\n  reader: [getOrder]\n`,
  );
  writeFileSync(
    join(root, 'grants/access/orders/billing.yaml'),
    `- id: orders-billing-read\n  principal: group:billing\n  api: orders\n  role: reader\n  reason: Invoices\n  owner: group:billing\n  granted: 2026-03-01\n`,
  );
  writeFileSync(
    join(root, 'sync.yaml'),
    `providers:\n  - provider: ${kind}\n    ${configs[kind]()}\n${more}`,
  );
  return {
    root,
    run: ({ write = true, ...options } = {}) =>
      syncFolder(root, write, {
        configFile: join(root, 'sync.yaml'),
        only: [],
        env: { TOKEN: 'tok', SECRET: 'right' },
        now: () => noon,
        sleep: async (ms) => pauses.push(ms),
        ...options,
      }),
  };
}
const fileOf = ({ root }: World, kind: Kind) =>
  readFileSync(join(root, `grants/directory/${kind}.yaml`), 'utf8');
const one = async (world: World, options = {}): Promise<Synced> => {
  const [result] = await world.run(options);
  assert.ok(result);
  return result;
};
const textOf = async (world: World) => String((await one(world)).bytes);
const groupsOnly = '    groups: { include: [bill*] }\n';

test('writes what Okta has: every page, leavers too, managers by login, only the groups that are taken', async () => {
  organisation.people.push({ id: '16', login: 'old@example.com', status: 'deprovisioned' });
  const here = world('okta', groupsOnly);
  await here.run();
  assert.equal(
    fileOf(here, 'okta'),
    `# yaml-language-server: $schema=../schema/directory.json
# Written by \`grantgate sync\`: the next sync overwrites what is changed here by hand.
provider: okta
synced: 2026-11-23T12:00:00Z
complete: true
people:
  - login: "ann@example.com"
    id: "11"
    status: active
    manager: "dana@example.com"
    last_sign_in: 2026-11-20T08:12:44Z
  - login: "bob@example.com"
    id: "13"
    status: suspended
    manager: "dana@example.com"
  - login: "cleo@example.com"
    id: "14"
    status: active
    manager: "dana@example.com"
  - login: "dana@example.com"
    id: "12"
    status: active
  - login: "eve@example.com"
    id: "15"
    status: active
  - login: "old@example.com"
    id: "16"
    status: deprovisioned
groups:
  - name: billing
    members:
      - "user:ann@example.com"
      - "user:bob@example.com"
      - "user:cleo@example.com"
`,
  );
  assert.deepEqual(new Set(stubs.okta.credentials), new Set(['SSWS tok']));
  // Members of groups that are not taken are never asked for.
  assert.ok(!stubs.okta.requests.some((request) => request.includes('/groups/23/')));
});

test('takes what is nested in a group that is taken, from Entra ID, and leaves devices out', async () => {
  const here = world('entra', groupsOnly);
  const { notes } = await one(here);
  const text = fileOf(here, 'entra');
  assert.match(text, /- name: billing\n {4}members:\n {6}- "group:finance"\n {6}- "user:ann@example.com"/);
  assert.match(text, /- name: finance\n {4}members:\n {6}- "user:dana@example.com"/);
  assert.doesNotMatch(text, /secret-project/);
  assert.deepEqual(notes, ['2 members of groups are devices, contacts or applications and were left out']);
  assert.equal(stubs.entra.requests.filter((line) => line.startsWith('POST')).length, 1);
});

for (const kind of ['github', 'scim'] as const)
  test(`reads ${kind} whole`, async () => {
    const here = world(kind);
    const { people, groups } = await one(here);
    assert.deepEqual([people, groups], [5, 3]);
    assert.match(fileOf(here, kind), /- name: secret-project\n {4}members:\n {6}- "user:eve@example.com"/);
  });

test('takes members only, with their managers, where that is configured', async () => {
  const here = world('okta', `${groupsOnly}    people: members\n`);
  await here.run();
  const logins = [...fileOf(here, 'okta').matchAll(/login: "([^"]+)"/g)].map(([, login]) => login);
  assert.deepEqual(logins, ['ann@example.com', 'bob@example.com', 'cleo@example.com', 'dana@example.com']);
  // Who leaves the group is still known, so that it is seen what became of him.
  organisation.groups[0]?.people.pop();
  await here.run();
  assert.match(fileOf(here, 'okta'), /cleo@example.com"\n {4}id: "14"/);
});

for (const kind of ['okta', 'entra', 'github', 'scim'] as const) {
  test(`a second sync with ${kind} finds nothing and writes nothing, whatever the order of answers`, async () => {
    const here = world(kind);
    assert.equal((await one(here)).due, true);
    const before = fileOf(here, kind);
    organisation.people.reverse();
    organisation.groups.reverse();
    for (const group of organisation.groups) group.people.reverse();
    for (const person of organisation.people)
      if (person.lastSignIn) person.lastSignIn = '2026-11-23T08:00:00Z';
    const second = await one(here, { now: () => noon + 3_600_000 });
    assert.equal(second.due, false);
    assert.equal(second.bytes, null);
    assert.equal(fileOf(here, kind), before);
    // But for the instant and the sign-ins, the text is the same to the byte.
    const without = (text: string) => text.replace(/^synced: .*$|^ *last_sign_in: .*$/gm, '');
    assert.equal(without(await textOf(world(kind))), without(before));
  });

  test(`no page of ${kind} may be missing: a fault at any request leaves the file as it was`, async () => {
    const here = world(kind);
    await here.run();
    const before = fileOf(here, kind);
    organisation.people[3] = { id: '19', login: 'new@example.com' };
    stubs[kind].requests.length = 0;
    await here.run({ write: false });
    const total = stubs[kind].requests.length;
    const faults: [Reply, RegExp][] = [
      [{ status: 500, raw: '<html>oops</html>' }, /^sync-failed$/],
      [{ status: 403, body: {} }, /^sync-forbidden$/],
      [{ status: 404, body: {} }, /^sync-not-found$/],
      [{ status: 200, raw: '<html>Sign in</html>' }, /^sync-answer$/],
      [{ status: 200, body: { error: 'x' } }, /^sync-answer$/],
      [{ status: 200, body: null, raw: '{"value":[{}]}' }, /^sync-answer$/],
      [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, /^sync-answer$/],
      [{ cut: true }, /^sync-unreachable$/],
    ];
    for (let at = 1; at <= total; at += 1) {
      const [reply, code] = faults[at % faults.length] ?? [{}, /./];
      stubs[kind].requests.length = 0;
      stubs[kind].fault = (request, number) =>
        // The token is another matter; its own test is below.
        number >= at && request.method === 'GET' ? reply : null;
      const failure = await here.run().then(
        () => null,
        (error: unknown) => error as { code: string; message: string },
      );
      if (kind === 'entra' && at === 1) continue;
      assert.ok(failure, `fault at request ${at}`);
      assert.match(failure.code, code, `${at}: ${failure.message}`);
      assert.doesNotMatch(failure.message, /html|Sign in/);
      assert.equal(fileOf(here, kind), before);
    }
  });

  test(`faults of ${kind} that pass are waited out`, async () => {
    const pauses: number[] = [];
    const here = world(kind, '', pauses);
    const replies: Reply[] = [
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 429, headers: { 'retry-after': new Date(noon + 9000).toUTCString() } },
      { status: 429, headers: { 'x-rate-limit-reset': String(noon / 1000 + 11) } },
      { status: 503, headers: { 'retry-after': '13' } },
      { status: 502 },
      { cut: true },
    ];
    const due = [...replies];
    // Never the same request twice in a row: that is what the bound is for.
    let failed = false;
    stubs[kind].fault = (request) => {
      failed = !failed && request.method === 'GET';
      return failed ? (due.shift() ?? null) : null;
    };
    await here.run();
    const left = Math.max(0, replies.length - stubs[kind].requests.length / 2);
    assert.ok(due.length <= left, `${due.length}`);
    assert.deepEqual(pauses.slice(0, 4), [7000, 9000, 11_000, 13_000]);
  });
}

test('a rate that is used up is waited for before the next request, and never for ever', async () => {
  const pauses: number[] = [];
  const here = world('okta', '', pauses);
  let clock = noon;
  const sleep = async (ms: number) => {
    pauses.push(ms);
    clock += ms;
  };
  stubs.okta.fault = (_, number) =>
    number === 1
      ? {
          headers: { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(noon / 1000 + 30) },
          body: [],
        }
      : null;
  await assert.rejects(here.run({ sleep, now: () => clock }), { code: 'sync-shrunk' });
  assert.deepEqual(pauses, [30_000]);
  stubs.okta.fault = () => ({ status: 429, headers: { 'retry-after': '240' } });
  await assert.rejects(here.run({ sleep, now: () => clock }), { code: 'sync-limited' });
});

test('the credential is renewed once, and never sent anywhere else', async () => {
  const here = world('entra');
  let refused = 0;
  stubs.entra.fault = (request) =>
    request.url?.startsWith('/v1.0/groups') && refused++ === 0 ? { status: 401, body: {} } : null;
  await here.run();
  assert.equal(stubs.entra.requests.filter((line) => line.startsWith('POST')).length, 2);
  stubs.entra.fault = (request) => (request.method === 'GET' ? { status: 401, body: {} } : null);
  await assert.rejects(here.run(), { code: 'sync-unauthorized' });
  stubs.entra.fault = () => null;
  await assert.rejects(here.run({ env: { SECRET: 'wrong' } }), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-unauthorized');
    assert.match(error.message, /401 invalid_client$/);
    return true;
  });

  const elsewhere = stubs.scim;
  for (const kind of ['okta', 'entra', 'github'] as const) {
    stubs[kind].fault = (request) =>
      request.method === 'POST'
        ? null
        : {
            headers: { link: `<${elsewhere.url}/x>; rel="next"` },
            body: kind === 'entra' ? { value: [], '@odata.nextLink': `${elsewhere.url}/x` } : [],
          };
    await assert.rejects(world(kind).run(), { code: 'sync-answer' }, kind);
  }
  assert.deepEqual(elsewhere.requests, []);
});

test('a list whose place was forgotten is read from its beginning, and not for ever', async () => {
  for (const [kind, status] of [
    ['okta', 400],
    ['entra', 410],
    ['github', 410],
  ] as const) {
    const here = world(kind);
    const isLater = (url = '') => /[?&](?:after|%24skiptoken|\$skiptoken)=/.test(url);
    let forgotten = 0;
    stubs[kind].fault = ({ url }) => {
      if (!isLater(url) || forgotten === 2) return null;
      forgotten += 1;
      // Whoever came meanwhile stands where we have been already.
      if (forgotten === 1) organisation.people.unshift({ id: '99', login: 'first@example.com' });
      return { status, body: { error: { code: 'Directory_ExpiredPageToken' } } };
    };
    assert.equal((await one(here)).people, 6, kind);
    assert.match(fileOf(here, kind), /first@example.com/);
    const before = fileOf(here, kind);
    stubs[kind].fault = ({ url }) => (isLater(url) ? { status } : null);
    await assert.rejects(here.run(), { code: 'sync-gone' });
    // Of a first page it is no place in a list that is wrong.
    stubs[kind].requests.length = 0;
    stubs[kind].fault = ({ method }) => (method === 'GET' ? { status } : null);
    await assert.rejects(here.run(), { code: 'sync-gone' });
    assert.equal(stubs[kind].requests.filter((line) => line.startsWith('GET')).length, 1);
    assert.equal(fileOf(here, kind), before);
    organisation.people.shift();
  }
});

test('a page without anybody is not the end, where it leads on', async () => {
  for (const kind of ['okta', 'entra', 'github'] as const) {
    let empty = 0;
    stubs[kind].fault = ({ method, url = '' }) => {
      if (method !== 'GET' || empty++ > 0) return null;
      // The list begins one page later.
      const next = `${stubs[kind].url}${url}&x=1`;
      const body = kind === 'entra' ? { value: [], '@odata.nextLink': next } : [];
      return { headers: { link: `<${next}>; rel="next"` }, body };
    };
    assert.equal((await one(world(kind))).people, 5, kind);
  }
});

test('pages that lead in a circle end the read', async () => {
  stubs.okta.fault = (request) => ({
    headers: { link: `<${stubs.okta.url}${request.url}>; rel="next"` },
    body: [],
  });
  await assert.rejects(world('okta').run(), { code: 'sync-incomplete' });
});

test('a secret that is not set is named, and nobody is asked', async () => {
  await assert.rejects(world('okta').run({ env: {} }), /the environment variable TOKEN is not set/);
  assert.deepEqual(stubs.okta.requests, []);
});

test('people who move between two pages are there once; a count that does not come out is read anew', async () => {
  const here = world('scim');
  let moved = 0;
  stubs.scim.between = () => {
    // Somebody at the front goes after the first page: the second begins one too late.
    if (stubs.scim.requests.at(-1)?.includes('/Users?startIndex=3') && moved++ === 0)
      organisation.people.shift();
  };
  assert.equal((await one(here)).people, 4);
  assert.match(fileOf(here, 'scim'), /bob@example.com/);
  // A list that changes under each read is never taken.
  organisation = start();
  let extra = 100;
  stubs.scim.between = () =>
    organisation.people.push({ id: String(extra), login: `p${extra++}@example.com` });
  await assert.rejects(here.run(), { code: 'sync-incomplete' });

  organisation = start();
  stubs.okta.between = () => {
    if (stubs.okta.requests.length === 2) organisation.people.unshift({ id: '10', login: 'zoe@example.com' });
  };
  const logins = [...(await textOf(world('okta'))).matchAll(/login: "([^"]+)"/g)].map(([, login]) => login);
  assert.equal(new Set(logins).size, logins.length);
});

test('a read that lists far fewer people than before is refused, says what it saw, and can be let through', async () => {
  for (let id = 100; id < 120; id += 1)
    organisation.people.push({ id: String(id), login: `p${id}@example.com` });
  const here = world('okta');
  await here.run();
  const before = fileOf(here, 'okta');
  // 24 are active; two of them are a plausible loss, three are not.
  organisation.people.splice(-3, 3);
  await assert.rejects(here.run(), /lists 21 active people, and 3 of the 24 before are not among them/);
  assert.equal(fileOf(here, 'okta'), before);
  for (const person of organisation.people.slice(-1)) person.status = 'suspended';
  organisation.people.push(
    { id: '117', login: 'p117@example.com' },
    { id: '118', login: 'p118@example.com' },
  );
  assert.equal((await one(here, { write: false })).people, 24);
  organisation.people.splice(-10, 10);
  assert.equal((await one(here, { shrink: 0.5 })).people, 14);
  stubs.okta.fault = () => ({ body: [] });
  await assert.rejects(here.run({ shrink: 1 }), { code: 'sync-shrunk' });
});

test('groups that have all lost their members are a lost permission, not a reorganisation', async () => {
  for (let id = 40; id < 60; id += 1)
    organisation.groups.push({ id: String(id), name: `team-${id}`, people: ['11'] });
  const here = world('okta');
  await here.run();
  for (const group of organisation.groups) group.people = [];
  await assert.rejects(here.run(), { code: 'sync-shrunk' });
});

test('tells who came, left, was suspended, moved or was replaced, and what access that gives and takes', async () => {
  const here = world('okta', '    shrink: 1\n');
  await here.run();
  const [ann, , bob, cleo, eve] = organisation.people;
  assert.ok(ann && bob && cleo && eve);
  ann.status = 'suspended';
  bob.status = 'active';
  cleo.manager = '11';
  cleo.login = 'cleo.smith@example.com';
  organisation.people = organisation.people.filter((person) => person !== eve);
  organisation.people.push({ id: '30', login: 'Eve@example.com' }, { id: '31', login: 'fred@example.com' });
  organisation.groups[0]?.people.push('31');
  const found = await one(here, { write: false });
  assert.equal(
    syncText(found),
    `okta: 6 people, 3 groups; grants/directory/okta.yaml changes
  fred@example.com came
  Eve@example.com is another person now (id 15, now 30)
  cleo@example.com is called cleo.smith@example.com
  ann@example.com is suspended, was active
  bob@example.com is active, was suspended
  cleo.smith@example.com reports to ann@example.com
  group billing: user:cleo.smith@example.com and user:fred@example.com in, user:cleo@example.com out
  group secret-project: user:eve@example.com out
Access:
  group:billing (2 people) loses getOrder of orders (orders-billing-read)
  group:billing (3 people) gains getOrder of orders (orders-billing-read)
`,
  );
  assert.equal(found.onlyTakesAway, false);
});

test('knows when nobody gains anything', async () => {
  const here = world('okta', '    shrink: 1\n');
  await here.run();
  const [ann] = organisation.people;
  assert.ok(ann);
  ann.status = 'deprovisioned';
  assert.equal((await one(here, { write: false })).onlyTakesAway, true);
  ann.status = 'active';
  organisation.groups[0]?.people.push('15');
  assert.equal((await one(here, { write: false })).onlyTakesAway, false);
});

test('a login that a closed account left to another person is the other person’s; two groups of one name are refused', async () => {
  organisation.people.push({ id: '40', login: 'ANN@example.com', status: 'deprovisioned' });
  const text = await textOf(world('okta'));
  assert.match(text, /login: "ann@example.com"\n {4}id: "11"/);
  assert.doesNotMatch(text, /"40"/);
  organisation = start();
  organisation.groups.push({ id: '29', name: 'Billing', people: [] });
  await assert.rejects(world('okta').run(), /two groups are called "Billing" \(21 and 29\)/);
  // What is not taken may be called as it likes.
  assert.ok(await one(world('okta', '    groups: { include: [finance] }\n')));
});

test('an account that is called as no directory can hold is told of, and keeps nobody else from being synced', async () => {
  const here = world('okta');
  await here.run();
  const entry = (login: string) =>
    new RegExp(`- login: "${login}"\\n {4}id: "(\\d+)"\\n {4}status: (\\w+)`)
      .exec(fileOf(here, 'okta'))
      ?.slice(1);
  const members = () =>
    / {2}- name: billing\n {4}members:\n((?: {6}- .*\n)*)/.exec(fileOf(here, 'okta'))?.[1];
  const ann = organisation.people[0];
  assert.ok(ann);
  const were = members();
  assert.match(were ?? '', /user:ann@example\.com/);
  organisation.people.push(
    { id: '50', login: 'mal\u202elory@example.com' },
    { id: '51', login: '' },
    { id: '52', login: `${'x'.repeat(300)}@example.com` },
    { id: '9'.repeat(201), login: 'long@example.com' },
    { id: '53', login: 'zoe@example.com' },
  );
  organisation.groups[0]?.people.push('50');
  ann.login = 'ann\u0007@example.com';
  let found = await one(here);
  assert.equal(members(), were, 'nobody lost a membership, and nobody without a name has one');
  assert.deepEqual(entry('zoe@example.com'), ['53', 'active']);
  assert.deepEqual(entry('ann@example.com'), ['11', 'suspended']);
  assert.doesNotMatch(fileOf(here, 'okta'), /"5[012]"/);
  assert.deepEqual(
    found.warnings.map((line) =>
      /account (\d+) .*: it (stays as [^,]+|is left out)/.exec(line)?.slice(1).join(' '),
    ),
    [
      '11 stays as ann@example.com',
      '50 is left out',
      '51 is left out',
      '52 is left out',
      `${'9'.repeat(201)} is left out`,
    ],
  );
  assert.match(
    syncText(found),
    /warning: the account 50 is called "mal\\u\{202e\}lory@example\.com", and that is no login/,
  );
  assert.match(syncText(found), /ann@example\.com is suspended, was active/);
  assert.equal((await one(here)).due, false, 'said again, and nothing is to be written again');

  // Called otherwise, they are let in again.
  ann.login = 'anna@example.com';
  organisation.people.splice(5, 4);
  found = await one(here);
  assert.deepEqual([found.warnings, entry('anna@example.com')], [[], ['11', 'active']]);
  // Not as somebody who is called that now, be they taken or not.
  ann.login = ' ';
  organisation.people.push({ id: '54', login: 'Anna@example.com' });
  found = await one(here);
  assert.match(found.warnings[0] ?? '', /account 11 .* is left out/);
  assert.deepEqual(entry('Anna@example.com'), ['54', 'active']);
  // Too many of them look like a lost permission, and are said to be the cause.
  for (const person of organisation.people) person.login = '';
  await assert.rejects(here.run(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-shrunk');
    assert.match(error.message, /counts as missing:\n {2}the account 11 is called ""/);
    return true;
  });
});

test('nobody comes as another of an account that is not taken', async () => {
  const here = world('okta', '    people: members\n    groups: { include: [billing] }\n');
  await here.run();
  const ann = organisation.people[0];
  assert.ok(ann);
  ann.login = '\u0007';
  organisation.people.push({ id: '54', login: 'ANN@example.com' });
  const found = await one(here);
  assert.match(found.warnings[0] ?? '', /account 11 .* is left out/);
  assert.doesNotMatch(fileOf(here, 'okta'), /ann@example\.com/i);
});

test('a closed account of the same name does not make somebody without a usable one leave', async () => {
  const here = world('okta');
  await here.run();
  const ann = organisation.people[0];
  assert.ok(ann);
  ann.login = '\u0007';
  organisation.people.push({ id: '55', login: 'ANN@example.com', status: 'deprovisioned' });
  const found = await one(here);
  assert.match(found.warnings[0] ?? '', /account 11 .* stays as ann@example\.com, suspended,/);
  assert.match(fileOf(here, 'okta'), /login: "ann@example\.com"\n {4}id: "11"\n {4}status: suspended/);
  assert.doesNotMatch(fileOf(here, 'okta'), /"55"/);

  // Of two who have left, the one that has a name is there.
  ann.status = 'deprovisioned';
  assert.match((await one(here)).warnings[0] ?? '', /account 11 .* is left out/);
  assert.match(fileOf(here, 'okta'), /login: "ANN@example\.com"\n {4}id: "55"\n {4}status: deprovisioned/);
});

test('of two who are called alike neither is let in, and all others are', async () => {
  organisation.people.push({ id: '41', login: 'Ann@example.com' });
  const fresh = await one(world('okta'));
  assert.doesNotMatch(String(fresh.bytes), /ann@example\.com/i);
  assert.match(String(fresh.bytes), /cleo@example\.com/);
  assert.match(
    fresh.warnings.join('\n'),
    /account 11 .*"ann@example\.com", and so is 41: it is left out[\s\S]*account 41/,
  );
  organisation.people.pop();
  const here = world('okta');
  await here.run();
  organisation.people.push({ id: '41', login: 'Ann@example.com' }, { id: '42', login: 'new@example.com' });
  const found = await one(here);
  assert.match(fileOf(here, 'okta'), /login: "ann@example\.com"\n {4}id: "11"\n {4}status: suspended/);
  assert.match(fileOf(here, 'okta'), /new@example\.com/);
  assert.doesNotMatch(fileOf(here, 'okta'), /"41"/);
  assert.equal(found.warnings.length, 2);
});

test('a group that is called as no directory can hold is left out, also of others', async () => {
  const inner = organisation.groups[1];
  assert.ok(inner);
  inner.name = 'fin\u2028ance';
  const found = await one(world('entra'));
  assert.match(String(found.bytes), /name: billing/);
  assert.doesNotMatch(String(found.bytes), /ance/);
  assert.match(found.warnings[0] ?? '', /the group 22 is called "fin\\u\{2028\}ance"/);
});

test('groups that are members of each other in a circle are refused with their names, and nothing is written', async () => {
  const here = world('entra');
  await here.run();
  const before = fileOf(here, 'entra');
  organisation.groups[1]?.groups?.push('21');
  (organisation.groups[1] ?? { groups: [] }).groups = ['21'];
  await assert.rejects(here.run(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-invalid');
    assert.match(error.message, /members of each other in a circle: .*billing.*finance|finance.*billing/);
    return true;
  });
  assert.equal(fileOf(here, 'entra'), before);
});

test('an absence is written a second time, so that two syncs in a row can be counted', async () => {
  const here = world('okta', '    shrink: 1\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', here.root, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]);
  git('init', '--quiet');
  const commit = () => {
    git('add', '.');
    git('commit', '--quiet', '-m', 'sync');
  };
  await here.run();
  commit();
  organisation.people.pop();
  assert.equal((await one(here)).due, true);
  commit();
  const second = await one(here, { now: () => noon + 86_400_000 });
  assert.equal(second.due, true);
  assert.match(fileOf(here, 'okta'), /synced: 2026-11-24T12:00:00Z/);
  commit();
  assert.equal((await one(here, { now: () => noon + 2 * 86_400_000 })).due, false);
});

test('of several providers none is written when one fails', async () => {
  const here = world('okta');
  writeFileSync(
    join(here.root, 'sync.yaml'),
    `providers:\n  - provider: okta\n    ${configs.okta()}\n  - provider: scim\n    ${configs.scim()}\n`,
  );
  stubs.scim.fault = () => ({ status: 403, body: {} });
  await assert.rejects(here.run(), { code: 'sync-forbidden' });
  assert.throws(() => fileOf(here, 'okta'), { code: 'ENOENT' });
  assert.deepEqual((await here.run({ only: ['okta'] })).length, 1);
  await assert.rejects(here.run({ only: ['oktta'] }), /has no provider "oktta"/);
});

/** A repository that syncs with exported files, the first provider's before the second's. */
function exported(): World & { put: (provider: string, people: string, groups?: string) => void } {
  const here = world('okta');
  const put = (provider: string, people: string, groups = `${provider},${people.split(',')[0]}\n`) => {
    writeFileSync(join(here.root, `${provider}.csv`), `login,id\n${people}`);
    writeFileSync(join(here.root, `${provider}-groups.csv`), `group,member\n${groups}`);
  };
  const entry = (name: string) =>
    `  - { provider: ${name}, kind: csv, shrink: 1, people_file: ${name}.csv, groups_file: ${name}-groups.csv }\n`;
  writeFileSync(join(here.root, 'sync.yaml'), `providers:\n${entry('first')}${entry('second')}`);
  return { ...here, put };
}

test('a login that two providers claim in one run is written for neither, and who moves between them is written for both', async () => {
  const here = exported();
  here.put('first', 'ann@example.com,1\n', 'billing,ann@example.com\n');
  here.put('second', 'bob@example.com,2\nAnn@example.com,9\n');
  await assert.rejects(here.run(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-invalid');
    assert.match(
      error.message,
      /the login "Ann@example.com" is given twice, first by first[^\n]*\nTake .* kept by hand, as `init`/,
    );
    return true;
  });
  assert.throws(() => readFileSync(join(here.root, 'grants/directory/first.yaml')), { code: 'ENOENT' });

  here.put('second', 'bob@example.com,2\n');
  assert.deepEqual(
    (await here.run()).map(({ due }) => due),
    [true, true],
  );
  here.put('first', 'cem@example.com,3\n', 'billing,cem@example.com\n');
  here.put('second', 'bob@example.com,2\nann@example.com,9\n');
  const moved = await here.run();
  assert.deepEqual(
    moved.map(({ changes: { came, left } }) => [came, left].map((some) => some.map(({ login }) => login))),
    [
      [['cem@example.com'], ['ann@example.com']],
      [['ann@example.com'], []],
    ],
  );
});

test('an exported account without a login or an id is told of, and ends nobody else’s sync', async () => {
  const here = exported();
  here.put('second', 'bob@example.com,2\n');
  here.put('first', 'ann@example.com,1\ncem@example.com,3\ndan@example.com,4\n');
  await here.run();
  here.put(
    'first',
    'ann@example.com,1\n,3\ndan@example.com,\neva@example.com,\n',
    'billing,ann@example.com\nbilling,\n',
  );
  const found = await one(here);
  assert.deepEqual(found.warnings, [
    'the account 3 is called "", and that is no login that a directory can hold: it stays as cem@example.com, suspended, until it is called otherwise at the provider',
    'an account without an id is called "dan@example.com", and its id is none that a directory can hold: it is left out until it is called otherwise at the provider',
    'an account without an id is called "eva@example.com", and its id is none that a directory can hold: it is left out until it is called otherwise at the provider',
  ]);
  assert.deepEqual(found.notes, ['1 row of first-groups.csv names no member']);
  assert.match(syncText(found), /cem@example\.com is suspended, was active\n/);
  assert.match(String(found.bytes), /billing\n {4}members:\n {6}- "user:ann@example\.com"\n/);
  // Of whom nothing is said nobody could be told.
  here.put('first', 'ann@example.com,1\n,\n');
  await assert.rejects(here.run(), /first\.csv, row 3: login and id must not both be empty/);
});

test('people of an exported file have an id each, and members of its groups are in it', async () => {
  const here = exported();
  here.put('second', 'bob@example.com,2\n');
  here.put('first', 'ann@example.com,1\ncem@example.com,1\n');
  await assert.rejects(here.run(), /first\.csv: two people have the id "1"/);
  here.put('first', 'ann@example.com,1\n', 'billing,service:robot\n');
  await assert.rejects(here.run(), /"service:robot" of "billing" is not in first\.csv/);
  here.put(
    'first',
    'ann@example.com,1\n',
    'billing,ann@example.com\nbilling,group:inner\ninner,user:ann@example.com\n',
  );
  assert.deepEqual(
    (await here.run()).map(({ groups }) => groups),
    [2, 1],
  );
});

test('a last sign-in that is no instant is named with its row, and one in a far year is left out', async () => {
  const here = exported();
  here.put('second', 'bob@example.com,2\n');
  here.put('first', 'ann@example.com,1\n');
  const people = (signIn: string) =>
    writeFileSync(join(here.root, 'first.csv'), `login,id,last_sign_in\nann@example.com,1,${signIn}\n`);
  people('yesterday');
  await assert.rejects(here.run(), /first\.csv, row 2: last_sign_in must be an instant .*, got "yesterday"/);
  people('+030828-09-14T02:48:05.477Z');
  assert.doesNotMatch(String((await one(here)).bytes), /last_sign_in/);
});

test('a group of Entra ID that hides its members is not taken for one that has none', async () => {
  const here = world('entra', groupsOnly);
  await here.run();
  const before = fileOf(here, 'entra');
  const [billing] = organisation.groups;
  assert.ok(billing);
  // Who may read hidden members is told them.
  billing.visibility = 'HiddenMembership';
  assert.equal((await one(here)).due, false);
  // Graph answers 200 and nobody to who may not.
  stubs.entra.fault = ({ url = '' }) =>
    url.includes('/groups/21/members') ? { body: { '@odata.context': 'c', value: [] } } : null;
  await assert.rejects(here.run(), {
    code: 'sync-forbidden',
    message: /the group "billing" hides its members: grant Member\.Read\.Hidden, or exclude it/,
  });
  assert.equal(fileOf(here, 'entra'), before);
  assert.ok(await one(world('entra', '    groups: { include: [finance] }\n')));
});

test('members whom the list of people lacks, and groups that have none, are told of', async () => {
  organisation.groups[0]?.people.push('77');
  stubs.okta.fault = (request) =>
    request.url?.includes('/groups/21/users') ? { body: [{ id: '11' }, { id: '77' }] } : null;
  const here = world('okta');
  assert.deepEqual((await one(here)).notes, [
    '1 member of groups is not among the people that are listed, and left out; may the credential see everybody?',
  ]);
  for (const group of organisation.groups) Object.assign(group, { people: [], groups: [] });
  assert.match((await one(world('scim'))).notes.join(), /no group that is taken has a member/);
});

test('sync.yaml is checked with places, and holds no secret', async () => {
  const here = world('okta');
  const refused = async (text: string, expected: RegExp) => {
    writeFileSync(join(here.root, 'sync.yaml'), text);
    await assert.rejects(here.run(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'sync-config');
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  };
  const okta = (line: string) =>
    `providers:\n  - provider: okta\n    kind: okta\n    url: https://x.okta.com\n    ${line}\n`;
  await refused(okta('token: hunter2'), /sync.yaml:5:12: /);
  await refused(okta('tokn: { env: A }'), /sync.yaml:5:5: unknown key "tokn" \(did you mean "token"\?\)/);
  await refused(okta('groups: {}'), /needs either "token" or "client"/);
  await refused('providers: []\n', /must name at least one/);
  await refused(
    'providers:\n  - { provider: a, kind: scim, url: "http://scim.example.com", token: { env: A } }\n',
    /must be an https address/,
  );
  await refused(
    'providers:\n  - { provider: services, kind: scim, url: "https://scim.example.com", token: { env: A } }\n',
    /must not be "services"/,
  );
});
