import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { syncText } from '../../../reviewer/sync/syncText.ts';
import { suite } from '../../_suite.ts';
import type { StubGroup, StubPerson } from './_providers.ts';
import {
  configs,
  fileOf,
  groupsOnly,
  kinds,
  noon,
  one,
  organisation,
  refill,
  stubs,
  textOf,
  withProviders,
  world,
} from './_sync.ts';

const test = suite('sync');
withProviders(test);

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
    id: "21"
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
  assert.match(
    text,
    /- name: billing\n {4}id: "21"\n {4}members:\n {6}- "group:finance"\n {6}- "user:ann@example.com"/,
  );
  assert.match(text, /- name: finance\n {4}id: "\d+"\n {4}members:\n {6}- "user:dana@example.com"/);
  assert.doesNotMatch(text, /secret-project/);
  assert.deepEqual(notes, ['2 members of groups are devices, contacts or applications and were left out']);
  assert.equal(stubs.entra.requests.filter((line) => line.startsWith('POST')).length, 1);
});

for (const kind of ['github', 'scim'] as const)
  test(`reads ${kind} whole`, async () => {
    const here = world(kind);
    const { people, groups } = await one(here);
    assert.deepEqual([people, groups], [5, 3]);
    assert.match(
      fileOf(here, kind),
      /- name: secret-project\n {4}id: "\d+"\n {4}members:\n {6}- "user:eve@example.com"/,
    );
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

for (const kind of kinds) {
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
}

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

for (const kind of ['okta', 'entra'] as const)
  test(`a group of ${kind} that is renamed, or whose name another one takes, is told as that`, async () => {
    const here = world(kind, '    groups: { include: ["*bill*"] }\n');
    await here.run();
    const [billing] = organisation.groups;
    assert.ok(billing);
    const lines = async (options = {}) => {
      const found = await one(here, options);
      const said = syncText(found).split('\n');
      return [found.onlyTakesAway, ...said.filter((line) => line.startsWith('  group '))];
    };
    // The same people: nobody gains or loses, and grants are other people's from the next change of the group on.
    billing.id = '29';
    const same = await one(here, { write: false });
    assert.deepEqual([same.due, same.access, same.onlyTakesAway], [true, [], false]);
    assert.deepEqual(await lines(), [
      false,
      '  group billing is another group now (id 21, now 29), which has what grants to group:billing give: the same members',
    ]);
    billing.name = 'billing-eu';
    const [, gone, fresh = ''] = await lines();
    assert.equal(
      gone,
      '  group billing is called billing-eu now: grants to group:billing give nobody anything until they name that',
    );
    assert.match(String(fresh), /^ {2}group billing-eu is new, and was called billing: .*ann@example\.com/);
    // Its old name for others.
    organisation.groups.push({ id: '30', name: 'Billing', people: ['15'] });
    assert.deepEqual(await lines(), [false, '  group Billing is new: user:eve@example.com in']);
    // Nor does a file say that of groups whose ids it does not have.
    writeFileSync(
      join(here.root, `grants/directory/${kind}.yaml`),
      fileOf(here, kind).replace(/^ {4}id: "(?:29|30)"\n/gm, ''),
    );
    assert.equal((await one(here)).due, false);
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
  const zoe = () => organisation.people.push({ id: '17', login: 'zoe@example.com' });
  zoe();
  await here.run();
  const takesAway = async (change: (people: StubPerson[], groups: StubGroup[]) => unknown) => {
    refill();
    zoe();
    change(organisation.people, organisation.groups);
    return (await one(here, { write: false })).onlyTakesAway;
  };
  const person = (id: string) => organisation.people.find((known) => known.id === id) ?? assert.fail();
  const group = (id: string) => organisation.groups.find((known) => known.id === id) ?? assert.fail();
  for (const change of [
    () => Object.assign(person('11'), { status: 'deprovisioned' }),
    (people: StubPerson[]) => people.pop(),
    () => group('21').people.pop(),
    (_: StubPerson[], groups: StubGroup[]) => groups.pop(),
  ])
    assert.equal(await takesAway(change), true, String(change));
  // What gives nobody anything today may by a grant to come, or by who answers for one.
  for (const change of [
    () => group('21').people.push('15'),
    () => group('23').people.push('11'),
    () => Object.assign(person('13'), { status: 'active' }),
    () => Object.assign(person('15'), { manager: '12' }),
    () => Object.assign(person('17'), { login: 'zoey@example.com' }),
    () => Object.assign(person('15'), { id: '16' }),
    (people: StubPerson[]) => people.push({ id: '16', login: 'gus@example.com' }),
    (_: StubPerson[], groups: StubGroup[]) => groups.push({ id: '24', name: 'empty', people: [] }),
    () => Object.assign(group('23'), { id: '24' }),
  ])
    assert.equal(await takesAway(change), false, String(change));
  // What nobody can compare is not known to take away only.
  mkdirSync(join(here.root, 'grants/apis'), { recursive: true });
  writeFileSync(join(here.root, 'grants/apis/broken.yaml'), 'api: [');
  assert.equal(await takesAway((people) => people.pop()), false);
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
