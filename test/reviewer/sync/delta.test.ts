import * as assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createClient } from '../../../reviewer/sync/providers/client.ts';
import { readEntra } from '../../../reviewer/sync/providers/entra.ts';
import { fixed } from '../../../reviewer/sync/providers/tokens.ts';
import { createWanted, select } from '../../../reviewer/sync/select.ts';
import type { Synced } from '../../../reviewer/sync/sync.ts';
import { type SyncOptions, syncFolder } from '../../../reviewer/sync/syncProviders.ts';
import { suite } from '../../_suite.ts';
import { createGraphDelta } from './_graphDelta.ts';
import { type Organisation, type Stub, type StubGroup, type StubPerson, serveGraph } from './_providers.ts';

const test = suite('sync by changes');
const noon = Date.parse('2026-11-23T12:00:00Z');
const day = 86_400_000;

const start = (): Organisation => ({
  people: Array.from(
    { length: 6 },
    (_, n): StubPerson => ({
      id: `u${n}`,
      login: `person${n}@example.com`,
      ...(n > 0 ? { manager: `u${Math.floor(n / 2)}` } : {}),
    }),
  ),
  groups: [
    { id: 'g0', name: 'eng', people: ['u0', 'u1'], groups: ['g1'] },
    { id: 'g1', name: 'inner', people: ['u2'], groups: ['g2'] },
    { id: 'g2', name: 'innermost', people: ['u3'] },
    { id: 'g3', name: 'other', people: ['u4', 'u5'] },
  ],
});

let organisation = start();
let delta = createGraphDelta(() => organisation);
let stub: Stub;
const folders: string[] = [];
test.before(async () => {
  stub = await serveGraph(
    () => organisation,
    2,
    (url, origin) => delta.answer(url, origin),
  );
});
test.before.each(() => {
  organisation = start();
  delta = createGraphDelta(() => organisation);
  stub.fault = () => null;
  stub.between = () => {};
  stub.requests.length = 0;
});
test.after(async () => {
  await stub.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What befalls an organisation; whom it befalls is picked by number among those there are. */
type Event = { kind: (typeof kinds)[number]; at: number; other: number };
const kinds = [
  'come',
  'suspend',
  'delete',
  'restore',
  'rename',
  'manager',
  'join',
  'leave',
  'nest',
  'unnest',
  'new group',
  'rename group',
  'delete group',
  'restore group',
] as const;
const event: fc.Arbitrary<Event> = fc.record({
  kind: fc.constantFrom(...kinds),
  at: fc.nat(20),
  other: fc.nat(20),
});

/** Applies events; who is deleted stays in their groups' lists, so that a restored one is a member again. */
function createTimes() {
  let count = 100;
  const bin: { people: StubPerson[]; groups: StubGroup[] } = { people: [], groups: [] };
  const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(1, all.length)];
  const move = <T>(from: T[], to: T[], item: T | undefined) => {
    if (item === undefined) return;
    from.splice(from.indexOf(item), 1);
    to.push(item);
  };
  return ({ kind, at, other }: Event): void => {
    const { people, groups } = organisation;
    const [person, group, second] = [pick(people, at), pick(groups, other), pick(groups, at)];
    count += 1;
    if (kind === 'come') people.push({ id: `u${count}`, login: `person${count}@example.com` });
    if (kind === 'new group')
      groups.push({ id: `g${count}`, name: `eng-${count}`, people: person ? [person.id] : [] });
    if (kind === 'delete') move(people, bin.people, person);
    if (kind === 'restore') move(bin.people, people, pick(bin.people, at));
    if (kind === 'delete group') move(groups, bin.groups, group);
    if (kind === 'restore group') move(bin.groups, groups, pick(bin.groups, at));
    if (person && kind === 'suspend') person.status = person.status === 'suspended' ? 'active' : 'suspended';
    if (person && kind === 'rename') person.login = `person${count}@example.com`;
    if (person && kind === 'manager') person.manager = pick(people, other)?.id ?? '';
    if (person && group && kind === 'join') group.people = [...new Set([...group.people, person.id])];
    if (person && group && kind === 'leave') group.people = group.people.filter((id) => id !== person.id);
    if (group && kind === 'rename group') group.name = `${at % 2 ? 'eng' : 'other'}-${count}`;
    // Only ever under a later one, so that there is no circle: that is refused, by another test.
    if (group && second && kind === 'nest' && group.id < second.id)
      group.groups = [...new Set([...(group.groups ?? []), second.id])];
    if (group && kind === 'unnest') group.groups = [];
  };
}

const taken = {
  provider: 'entra',
  groups: { include: ['eng*'], exclude: [] as string[] },
  people: 'all' as const,
};

test('what is read by changes is what a whole read gives, whatever happened in between', async () => {
  const client = createClient({
    base: stub.url,
    authorize: fixed('Bearer graph-token'),
    fetch,
    now: () => noon,
    sleep: async () => {},
  });
  const read = readEntra(client, { login: 'userPrincipalName', sign_in: false });
  const wanted = createWanted(taken.groups);
  const directory = async (state?: unknown) => {
    const said: string[] = [];
    const found = await (state === undefined
      ? read(wanted)
      : read(wanted, { state, say: (line) => said.push(line) }));
    const { directory: file } = select(found, taken, { synced: '2026-11-23T12:00:00Z', before: null });
    return { file, notes: found.notes, state: found.state, said };
  };
  let followed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(event, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
      fc.array(event, { maxLength: 2 }),
      async (rounds, late) => {
        organisation = start();
        delta = createGraphDelta(() => organisation);
        const happens = createTimes();
        let { state } = await directory(null);
        assert.equal(state?.whole, true);
        for (const [index, round] of rounds.entries()) {
          for (const one of round) happens(one);
          if (index > 0) {
            // Some of it happens while changes are read: it may be seen now or next time, and is not lost.
            let due = [...late];
            stub.between = () => {
              for (const one of due.splice(0, 1)) happens(one);
            };
            state = (await directory(state?.value)).state;
            stub.between = () => {};
            due = [];
          }
          const changed = await directory(JSON.parse(JSON.stringify(state?.value)));
          if (changed.state?.whole === false) followed += 1;
          const whole = await directory();
          assert.deepEqual(changed.file, whole.file);
          assert.deepEqual(changed.notes, whole.notes);
          state = changed.state;
        }
      },
    ),
    { numRuns: 15 },
  );
  assert.ok(followed > 10, `${followed} reads followed changes`);
});

const world = (more = '') => {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-delta-'));
  folders.push(root);
  mkdirSync(join(root, 'grants/apis'), { recursive: true });
  writeFileSync(
    join(root, 'grants/apis/a.yaml'),
    'api: a\ndescription: A\nowner: group:eng\ntier: low\nupstream: http://a.internal\nroute: { prefix: /a }\noperations: { get: GET / }\n',
  );
  const config = (groups: string) =>
    writeFileSync(
      join(root, 'sync.yaml'),
      `providers:\n  - provider: entra\n    kind: entra\n    url: ${stub.url}\n    authority: ${stub.url}\n    tenant: t1\n    client: { id: c1, secret: { env: SECRET } }\n    groups: { include: [${groups}] }\nstate: .state\n${more}`,
    );
  config('"eng*"');
  const said: string[] = [];
  const run = async (options: Partial<SyncOptions> & { write?: boolean } = {}): Promise<Synced> => {
    said.length = 0;
    stub.requests.length = 0;
    const { write = true, ...others } = options;
    const [one] = await syncFolder(root, write, {
      configFile: join(root, 'sync.yaml'),
      only: [],
      env: { SECRET: 'right' },
      now: () => noon,
      sleep: async () => {},
      progress: (line) => said.push(line),
      ...others,
    });
    assert.ok(one);
    return one;
  };
  const state = join(root, '.state/entra.json');
  return {
    root,
    said,
    config,
    run,
    state,
    file: () => readFileSync(join(root, 'grants/directory/entra.yaml'), 'utf8'),
  };
};
/** Whether the last run asked for the list of all people. */
const readAll = () => stub.requests.some((line) => line.startsWith('GET /v1.0/users?'));

test('changes are followed from run to run, and nothing else is asked for', async () => {
  const here = world();
  await here.run();
  assert.ok(readAll());
  organisation.groups[2]?.people.push('u5');
  await here.run();
  assert.ok(!readAll());
  assert.match(
    here.file(),
    /- name: innermost\n {4}id: "\w+"\n {4}members:\n {6}- "user:person3@.*"\n {6}- "user:person5@/,
  );
  assert.deepEqual(
    stub.requests.filter((line) => line.includes('/members')),
    ['/g2/members?$select=id&$top=999', '/g2/members?$select=id&$top=999&$skiptoken=2'].map(
      (path) => `GET /v1.0/groups${path}`,
    ),
  );
  // A plan leaves the state as it is: what changed is told again.
  organisation.people.pop();
  const before = readFileSync(here.state);
  assert.equal((await here.run({ write: false })).changes.left.length, 1);
  assert.ok(readFileSync(here.state).equals(before));
  assert.equal((await here.run()).changes.left.length, 1);
  assert.ok(!readFileSync(here.state).equals(before));
  assert.equal(statSync(here.state).mode & 0o077, 0);
  assert.equal(readFileSync(join(here.root, '.state/.gitignore'), 'utf8'), '*\n');
});

test('who is restored is in their groups again, and so is a group, though nothing is said of what they are in', async () => {
  const here = world();
  await here.run();
  const whole = here.file();
  const [, , nested] = organisation.groups;
  const gone = organisation.people.splice(2, 2);
  organisation.groups = organisation.groups.filter((group) => group !== nested);
  await here.run({ shrink: 1 });
  assert.doesNotMatch(here.file(), /person[23]@|innermost/);
  // Who is gone stays nowhere: what befell their groups meanwhile is not told either.
  assert.doesNotMatch(readFileSync(here.state, 'utf8'), /"people":\[[^\]]*"u[23]"|"g2"/);
  if (nested) organisation.groups.push(nested);
  organisation.people.push(...gone);
  await here.run();
  assert.ok(!readAll());
  assert.equal(here.file(), whole);
  assert.match(stub.requests.join(), /users\/u4\?.*users\/u5\?/);
});

test('who was killed after the file was written, and before the state was, finds it right next time', async () => {
  const here = world();
  await here.run();
  const old = readFileSync(here.state);
  organisation.people.push({ id: 'u9', login: 'person9@example.com' });
  organisation.groups[0]?.people.push('u9');
  await here.run();
  const file = here.file();
  writeFileSync(here.state, old);
  assert.equal((await here.run()).due, false);
  assert.equal(here.file(), file);
  assert.ok(!readAll());
});

test('everything is read where there is no state, or none to go by', async () => {
  const here = world('full_every: 2d\n');
  const whole = async (why: RegExp, options: Partial<SyncOptions> = {}) => {
    await here.run(options);
    assert.match(here.said.join('\n'), why);
    assert.ok(readAll(), String(why));
    await here.run(options);
    assert.ok(!readAll(), `after ${why}`);
  };
  await whole(/there is no state yet/);
  const good = readFileSync(here.state, 'utf8');
  const damaged = /entra\.json is damaged/;
  for (const text of [
    '',
    'x',
    good.slice(0, -1),
    good.replace('person1@', 'person7@'),
    good.replace('\n', ''),
  ]) {
    writeFileSync(here.state, text);
    await whole(damaged);
  }
  here.config('"eng*", other');
  await whole(/sync\.yaml is not what it was/);
  assert.match(here.file(), /name: other/);
  await whole(/it is time again/, { now: () => noon + 2 * day });
  await here.run({ now: () => noon + 3 * day });
  assert.ok(!readAll());
  await whole(/it is time again/, { now: () => noon + 4 * day });
  // A clock that went back proves nothing of a state's age.
  await whole(/it is time again/, { now: () => noon });
});

test('everything is read where the provider does not go on from a link, whatever it says of it', async () => {
  const here = world();
  const isLink = (url = '') => /delta\?(?:\$|%24)deltatoken=/.test(url);
  const isDelta = (url = '') => url.includes('/delta?');
  await here.run();
  let count = 0;
  for (const reply of [
    { status: 410, body: { error: { code: 'resyncRequired' } } },
    { status: 400, body: { error: { code: 'syncStateNotFound' } } },
    { status: 404, body: {} },
    { status: 403, body: {} },
    { body: { value: [] } },
    { body: { value: [], '@odata.deltaLink': 'x', '@odata.nextLink': 'y' } },
    { body: { value: [{ nothing: 1 }], '@odata.deltaLink': `${stub.url}/x` } },
    { body: { value: [], '@odata.nextLink': 'https://elsewhere.example.com/x' } },
  ]) {
    count += 1;
    organisation.people.push({ id: `n${count}`, login: `new${count}@example.com` });
    stub.fault = ({ url }) => (isLink(url) ? reply : null);
    assert.equal((await here.run()).changes.came.length, 1);
    assert.match(here.said.join('\n'), /changes cannot be followed/);
    assert.ok(readAll(), JSON.stringify(reply));
  }
  delta.expire();
  stub.fault = () => null;
  await here.run();
  assert.ok(readAll());
  await here.run();
  assert.ok(!readAll());

  // A tenant that has no delta at all is read whole each time; no state is left behind.
  const other = world();
  stub.fault = ({ url }) => (isDelta(url) ? { status: 400, body: {} } : null);
  await other.run();
  await other.run();
  assert.ok(readAll());
  assert.ok(!existsSync(other.state));

  // Faults that a whole read would die of too end the sync, and leave everything as it was.
  const before = [readFileSync(here.state), here.file()];
  organisation.people.pop();
  stub.fault = ({ url }) => (isLink(url) ? { status: 503 } : null);
  await assert.rejects(here.run(), { code: 'sync-failed' });
  stub.fault = ({ url }) => (isLink(url) ? { status: 429, headers: { 'retry-after': '1000' } } : null);
  await assert.rejects(here.run(), { code: 'sync-limited' });
  stub.fault = ({ url }) => (url?.includes('/members') ? { status: 500 } : null);
  organisation.groups[0]?.people.push('u2');
  await assert.rejects(here.run(), { code: 'sync-failed' });
  assert.deepEqual([readFileSync(here.state), here.file()], before);
});

test('who is missing though nobody said that they left makes everything be read', async () => {
  const here = world();
  await here.run();
  const [ann] = organisation.people;
  assert.ok(ann);
  ann.login = 'ann@example.com';
  stub.fault = ({ url }) => (url?.startsWith('/v1.0/users/u0?') ? { status: 404, body: {} } : null);
  await here.run();
  assert.ok(readAll());
  assert.match(here.file(), /ann@example\.com/);
});

test('so many changes that a whole read is as quick make one', async () => {
  const here = world();
  await here.run();
  const link = `${stub.url}/v1.0/users/delta?$deltatoken=1`;
  const many = Array.from({ length: 1001 }, (_, n) => ({ id: `m${n}` }));
  stub.fault = ({ url }) =>
    url?.includes('/users/delta') ? { body: { value: many, '@odata.deltaLink': link } } : null;
  await here.run();
  assert.ok(readAll());
  assert.ok(!stub.requests.some((line) => line.includes('/users/m1')));
});

test('a shrunken directory is refused by changes too, and the state stays behind', async () => {
  for (let n = 0; n < 20; n += 1) organisation.people.push({ id: `p${n}`, login: `p${n}@example.com` });
  const here = world();
  await here.run();
  const before = [readFileSync(here.state), here.file()];
  organisation.people.splice(-8);
  await assert.rejects(here.run(), { code: 'sync-shrunk' });
  assert.ok(!readAll());
  assert.deepEqual([readFileSync(here.state), here.file()], before);
  assert.equal((await here.run({ shrink: 0.5 })).changes.left.length, 8);
});

test('a state that cannot be kept is said, and the file is there all the same', async () => {
  const here = world();
  writeFileSync(join(here.root, '.state'), 'a file');
  await assert.rejects(here.run(), { code: 'sync-state' });
  assert.match(here.file(), /person1@/);
});
