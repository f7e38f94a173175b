import * as assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { workingTree } from '../../../bundle/git/tree.ts';
import { accountFacts, ownerFacts } from '../../../reviewer/detect/accountFacts.ts';
import { type Evidence, gather } from '../../../reviewer/evidence/gather.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, daysAgo, type Files, type GrantText, type Place, place } from '../_review.ts';

const test = suite('history of grants and directories');
let here: Place;
test.before(async () => {
  here = await place({});
});
test.after(() => here.remove());

const seconds = (days: number) => Math.floor((asOfMs - days * 86_400_000) / 1000);
/** Goes through states of the files, each committed so many days before, and tells what is known at the end. */
async function known(...states: [days: number, files: Files][]): Promise<Evidence> {
  here.git('checkout', '--quiet', '--orphan', `branch-${Math.random().toString(36).slice(2)}`);
  here.git('rm', '-r', '--quiet', '--force', '.');
  let first = base;
  for (const [days, files] of states) {
    await here.commit({ ...first, ...files }, daysAgo(days));
    first = {};
  }
  const tree = await workingTree(here.root);
  const evidence = await gather({ tree, decisions: [], asOf: asOfMs / 1000 });
  await evidence.usage.close();
  return evidence;
}
const one = (rest = 'role: reader', more: Partial<GrantText> = {}): Files =>
  access([{ id: 'one', rest, ...more }]);
const grown = async (...states: [number, Files][]) =>
  (await known(...states)).history.of('one')?.grownAt ?? null;

test('reach grows when a grant is put back, reactivated or widened, and by nothing else', async () => {
  const file = Object.keys(one())[0] ?? '';
  assert.equal(await grown([9, one()]), null);
  assert.equal(await grown([9, one()], [5, { [file]: null }], [3, one()]), seconds(3));
  assert.equal(await grown([9, one('role: reader\nstate: suspended')], [4, one()]), seconds(4));
  assert.equal(await grown([9, one()], [4, one('role: reader\nstate: suspended')]), null);
  assert.equal(await grown([9, one()], [4, one('role: editor')]), seconds(4));
  assert.equal(await grown([9, one('role: editor')], [4, one()]), null);
  assert.equal(await grown([9, one('operations: [list, get]')], [4, one('operations: [get]')]), null);
  assert.equal(await grown([9, one('operations: [get]')], [4, one('role: reader')]), seconds(4));
  assert.equal(await grown([9, one()], [4, one('role: reader # a word\nticket: FIN-1')]), null);
  assert.equal(await grown([9, one('role: reader\nconditions: { mfa: true }')], [4, one()]), seconds(4));
});

test('a grant is there since it came, whatever day it names, and since ever when history begins with it', async () => {
  const [file = '', text = ''] = Object.entries(one())[0] ?? [];
  assert.equal(await grown([9, {}], [4, one()]), seconds(4));
  // Another id is another grant to whoever reads records.
  const before = { [file]: text?.replace('id: one', 'id: another') ?? null };
  assert.equal(await grown([9, before], [4, one()]), seconds(4));
});

test('reach grows when the role itself is widened', async () => {
  const api = base['grants/apis/orders.yaml'] ?? '';
  const wider = {
    'grants/apis/orders.yaml': api.replace('reader: [list, get]', 'reader: [list, get, create]'),
  };
  assert.equal(await grown([9, one()], [6, wider]), seconds(6));
  assert.equal(await grown([9, one('role: admin')], [6, wider]), null);
  assert.equal(await grown([9, one('operations: [get]')], [6, wider]), null);
});

test('reach grows when an end is prolonged that had passed, not while it was ahead', async () => {
  const until = (days: number) => one(`role: reader\nexpires: ${daysAgo(days)}`);
  assert.equal(await grown([9, until(5)], [3, until(-30)]), seconds(3));
  assert.equal(await grown([9, until(5)], [3, one()]), seconds(3));
  assert.equal(await grown([9, until(2)], [3, until(-30)]), null);
});

test('reach grows when networks are declared elsewhere, committed or not', async () => {
  const office = (block: string): Files => ({ 'grants/networks.yaml': `office: [${block}]\n` });
  const from = one('role: reader\nconditions: { networks: [office] }');
  const moved = office('203.0.113.0/25');
  assert.equal(await grown([9, { ...from, ...office('192.0.2.0/25') }], [4, moved]), seconds(4));
  await here.write(office('198.51.100.0/25'));
  const evidence = await gather({ tree: await workingTree(here.root), decisions: [], asOf: asOfMs / 1000 });
  assert.equal(evidence.history.of('one')?.grownAt, asOfMs / 1000);
});

test('what is not committed yet took effect at the instant of the review', async () => {
  await known([9, one()]);
  await here.write(one('role: admin'));
  const evidence = await gather({ tree: await workingTree(here.root), decisions: [], asOf: asOfMs / 1000 });
  assert.equal(evidence.history.of('one')?.grownAt, asOfMs / 1000);
});

test('a commit takes effect no earlier than what it builds on, and no later than now', async () => {
  const file = Object.keys(one())[0] ?? '';
  // Committed long ago on a branch, or with a date that was kept, and on top of what took it away.
  assert.equal(await grown([9, one()], [3, { [file]: null }], [8, one()]), seconds(3));
  assert.equal(await grown([9, one()], [3, { [file]: null }], [3, one()]), seconds(3));
  // From the future: before the next that is not; the clock of one machine stops nobody else's.
  assert.equal(await grown([9, one()], [7, { [file]: null }], [-400, one()], [5, okta(5)]), seconds(5));
  assert.equal(await grown([9, one()], [-400, okta(8)], [7, { [file]: null }], [6, one()]), seconds(6));
  assert.equal(await grown([9, one()], [7, { [file]: null }], [-400, one()]), seconds(0));
});

test('what was taken and given back on a branch that was merged is known, though the merge shows nothing of it', async () => {
  const [file = '', text = ''] = Object.entries(one())[0] ?? [];
  await known([9, { ...one(), ...access([{ id: 'two', owner: 'user:ann@example.com' }]) }]);
  const enforced = here.git('branch', '--show-current').trim();
  here.git('checkout', '--quiet', '-b', `${enforced}-own`);
  await here.commit({ 'README.md': 'mine' }, daysAgo(7));
  here.git('checkout', '--quiet', enforced);
  await here.commit({ [file]: null }, daysAgo(6));
  await here.commit({ [file]: text }, daysAgo(3));
  // Somebody pulls and pushes: what was enforced is the second parent from now on.
  here.git('checkout', '--quiet', `${enforced}-own`);
  here.git('merge', '--quiet', '--no-edit', enforced);
  await here.commit({ 'README.md': 'more' }, daysAgo(1));
  const evidence = await gather({ tree: await workingTree(here.root), decisions: [], asOf: asOfMs / 1000 });
  await evidence.usage.close();
  const { of } = evidence.history;
  assert.deepEqual([of('one')?.grownAt, of('one')?.restoredAt], [seconds(3), seconds(3)]);
  assert.deepEqual([of('two')?.grownAt, of('two')?.restoredAt], [null, null]);
});

test('who was away, and came back, on a branch that was merged is there since it was merged at the latest', async () => {
  const paused = okta(10, (text) => text.replaceAll('status: active', 'status: suspended'));
  await known([20, { ...one('role: reader', ann), ...okta(20) }]);
  const enforced = here.git('branch', '--show-current').trim();
  here.git('checkout', '--quiet', '-b', `${enforced}-own`);
  await here.commit({ 'README.md': 'mine' }, daysAgo(19));
  here.git('checkout', '--quiet', enforced);
  await here.commit(paused, daysAgo(10));
  await here.commit(okta(20), daysAgo(3));
  here.git('checkout', '--quiet', `${enforced}-own`);
  await here.commit({ 'README.md': 'more' }, daysAgo(2));
  here.git('merge', '--quiet', '--no-edit', enforced);
  const evidence = await gather({ tree: await workingTree(here.root), decisions: [], asOf: asOfMs / 1000 });
  await evidence.usage.close();
  assert.equal(evidence.history.directories.reachedSince(ann.principal), seconds(2));
});

test('what somebody put back is not held against the login or the owner of before', async () => {
  const away = okta(10, (text) =>
    text.replace('00u1', '00u9').replaceAll('status: active', 'status: suspended'),
  );
  const file = Object.keys(one('role: reader', ann))[0] ?? '';
  const held = async (...states: [number, Files][]) => {
    const all: [number, Files][] = [
      [20, { ...one('role: reader', ann), ...okta(20) }],
      [10, away],
    ];
    const evidence = await known(...all, ...states);
    const [grant] = evidence.organisation.grants;
    assert.ok(grant);
    return [accountFacts(grant, evidence).id_changed_at, ownerFacts(grant, evidence).ownerless_since];
  };
  assert.deepEqual(await held(), [seconds(10), seconds(10)]);
  assert.deepEqual(await held([8, { [file]: null }], [7, one('role: reader', ann)]), [undefined, seconds(7)]);
});

test('a group whose name another one took since somebody answered is another group, and a file without ids tells of none', async () => {
  const desk = { principal: 'group:desk' };
  const as = (days: number, id: string | null, other = id === null ? null : 'night-1') =>
    okta(days, (text) =>
      [
        ['desk', id],
        ['night', other],
      ].reduce(
        (now, [name, of]) =>
          of === null ? now : now.replace(`{ name: ${name},`, `{ name: ${name}, id: ${of},`),
        text,
      ),
    );
  const replacedAt = async (...states: [number, Files][]) => {
    const evidence = await known([20, { ...one('role: reader', desk), ...as(20, null) }], ...states);
    const [grant] = evidence.organisation.grants;
    assert.ok(grant);
    return accountFacts(grant, evidence).group_replaced_at;
  };
  // The first ids are those of the groups that there were.
  assert.equal(await replacedAt([10, as(10, 'desk-1')]), undefined);
  assert.equal(await replacedAt([10, as(10, 'desk-1')], [5, as(5, 'desk-2')]), seconds(5));
  assert.equal(await replacedAt([10, as(10, 'desk-1')], [5, as(5, null)], [4, as(4, 'desk-1')]), undefined);
  // Whoever counts all groups anew has not replaced them.
  assert.equal(await replacedAt([10, as(10, 'desk-1')], [5, as(5, 'desk-2', 'night-2')]), undefined);
});

test('what was so before a grant was somebody’s, or somebody answered for it, is not held against it', async () => {
  const away = okta(10, (text) => text.replace('00u1', '00u9'));
  const facts = async (...states: [number, Files][]) => {
    const evidence = await known([20, { ...one('role: reader', ann), ...okta(20) }], [10, away], ...states);
    const [grant] = evidence.organisation.grants;
    assert.ok(grant);
    const account = accountFacts(grant, evidence);
    return {
      id: account.id_changed_at,
      ownerless: ownerFacts(grant, evidence).ownerless_since,
      absent: account.absences.map(({ from }) => from),
    };
  };
  const of = (principal: string, owner: string): Files => access([{ id: 'one', principal, owner }]);
  const desk = Object.keys(one())[0] ?? '';
  const gone = 'user:gone@example.com';
  const moved = (principal: string, owner: string): Files => ({ [desk]: null, ...of(principal, owner) });
  const cleo = 'user:cleo@example.com';
  assert.deepEqual(await facts(), { id: seconds(10), ownerless: undefined, absent: [] });
  assert.deepEqual(await facts([6, moved(ann.principal, cleo)]), {
    ...{ id: seconds(10), ownerless: seconds(6), absent: [] },
  });
  assert.deepEqual(await facts([8, moved(gone, cleo)], [6, of(ann.principal, cleo)]), {
    id: undefined,
    ownerless: seconds(6),
    absent: [],
  });
  assert.deepEqual(await facts([6, moved(gone, cleo)]), {
    ...{ id: undefined, ownerless: seconds(6), absent: [seconds(6)] },
  });
});

test('a grant that moves from file to file stays the one it is', async () => {
  const [file = '', text = ''] = Object.entries(one())[0] ?? [];
  const moved = { [file]: null, 'grants/access/orders/elsewhere.yaml': text };
  assert.deepEqual((await known([9, one()], [5, moved])).history.of('one')?.grownAt, null);
});

test('a keep holds what its own commit changed, and nothing that changed later', async () => {
  const keep = (at: number) =>
    `review: { decision: keep, by: user:ann@example.com, at: ${daysAgo(at)}, until: 2027-01-31, reason: r }`;
  const changed = async (...states: [number, Files][]) =>
    (await known(...states)).history.of('one')?.changedSinceReview;
  const suspended = one('role: reader\nstate: suspended');
  // Written on a morning and merged at noon, together with what it was about.
  assert.equal(await changed([9, suspended], [4, one(`role: reader\n${keep(4.2)}`)]), false);
  assert.equal(
    await changed([9, one(`role: reader\n${keep(9)}`)], [4, one(`role: editor\n${keep(9)}`)]),
    true,
  );
  assert.equal(
    await changed([9, one(`role: reader\n${keep(9)}`)], [4, one(`role: editor\n${keep(4)}`)]),
    false,
  );
  assert.equal(
    await changed([9, one(`role: reader\n${keep(9)}`)], [4, one(`role: reader # why\n${keep(9)}`)]),
    false,
  );
});

test('files that only a parser can cut into grants are followed all the same', async () => {
  const file = Object.keys(one())[0] ?? '';
  const flow = (role: string) => ({
    [file]: `[{ id: one, principal: "user:ann@example.com", api: orders, role: ${role}, reason: x, owner: "group:desk", granted: 2026-01-01 }]\n`,
  });
  assert.equal(await grown([9, one()], [6, flow('reader')], [4, flow('editor')]), seconds(4));
});

const okta = (days: number, change: (text: string) => string = (text) => text): Files => ({
  'grants/directory/okta.yaml': change(base['grants/directory/okta.yaml'] ?? '').replace(
    /synced: .*/,
    `synced: ${daysAgo(days)}`,
  ),
});
const without = (login: string) => (text: string) =>
  text.replace(new RegExp(`.*login: ${login}.*\n`), '').replace(`"user:${login}", `, '');
const ann = { principal: 'user:ann@example.com' };

test('who is absent is counted sync by sync, and begins anew when known again', async () => {
  const gone = without('ann@example.com');
  const absences = async (...states: [number, Files][]) =>
    (await known([20, one('role: reader', ann)], ...states)).history.directories.absences(ann.principal);
  assert.equal(await absences([10, okta(10)]), null);
  assert.deepEqual(await absences([10, okta(10)], [9, okta(9, gone)]), [
    { syncs: 1, from: seconds(9), to: seconds(9) },
  ]);
  assert.deepEqual(await absences([10, okta(10)], [9, okta(9, gone)], [7, okta(7, gone)]), [
    { syncs: 2, from: seconds(9), to: seconds(7) },
  ]);
  assert.deepEqual(await absences([9, okta(9, gone)], [7, okta(7)], [6, okta(6, gone)]), [
    { syncs: 1, from: seconds(6), to: seconds(6) },
  ]);
  // Edited by hand: no sync has said so.
  assert.equal((await absences([9, okta(9)], [8, okta(9, gone)]))?.[0]?.syncs, 0);
  assert.equal(await absences([9, okta(9)], [5, { 'grants/directory/okta.yaml': null }]), null);
  // A clock that is two days ahead: the syncs are an hour apart all the same.
  assert.deepEqual(await absences([9, okta(9)], [8, okta(8, gone)], [7.9, okta(6, gone)]), [
    { syncs: 2, from: seconds(8), to: seconds(7.9) },
  ]);
  const short = (text: string) => gone(text).replace('complete: true', 'complete: false');
  assert.deepEqual(await absences([9, okta(9)], [8, okta(8, short)], [5, okta(5)]), null);
});

test('what cannot be read of it interrupts absences, and history begins after it', async () => {
  const gone = 'user:gone@example.com';
  const absent: [number, Files] = [8, { ...one('role: reader', { principal: gone }), ...okta(8) }];
  const unread = okta(5, (text) => `${text}# a line that nothing else has\n`);
  const tell = async () => {
    const evidence = await gather({ tree: await workingTree(here.root), decisions: [], asOf: asOfMs / 1000 });
    await evidence.usage.close();
    const { directories, from } = evidence.history;
    return [directories.absences(gone)?.map(({ syncs }) => syncs), from];
  };
  await known(absent, [5, unread], [2, okta(2)]);
  const [syncs, from] = await tell();
  assert.deepEqual([syncs, Number(from) < seconds(8)], [[3], true]);
  const id = here.git('rev-parse', 'HEAD~1:grants/directory/okta.yaml').trim();
  await rm(join(here.root, '.git/objects', id.slice(0, 2), id.slice(2)));
  assert.deepEqual(await tell(), [[1], seconds(5)]);
});

test('who is spelled with capitals or another composition in a directory is there', async () => {
  const spelled = (text: string) => text.replaceAll('ann@example.com', 'Änn@Example.COM');
  const name = { principal: 'user:änn@example.com'.normalize('NFD') };
  const both = [
    [10, okta(10, spelled)],
    [8, okta(8, spelled)],
  ] as [number, Files][];
  const { directories } = (await known([20, one('role: reader', name)], ...both)).history;
  assert.equal(directories.absences(name.principal), null);
  assert.equal(directories.idChangedAt(name.principal), null);
  const gone = [6, okta(6, (text) => without('Änn@Example.COM')(spelled(text)))] as [number, Files];
  const { history } = await known([20, one('role: reader', name)], ...both, gone);
  assert.equal(history.directories.absences(name.principal)?.[0]?.syncs, 1);
});

test('a login that another person has now is told by the id', async () => {
  const other = (text: string) => text.replace('00u1', '00u9');
  const changed = async (...states: [number, Files][]) =>
    (await known([20, one('role: reader', ann)], ...states)).history.directories.idChangedAt(ann.principal);
  assert.equal(await changed([10, okta(10)]), null);
  assert.equal(await changed([10, okta(10, other)]), seconds(10));
  assert.equal(await changed([10, okta(10, without('ann@example.com'))], [6, okta(6, other)]), seconds(6));
  assert.equal(
    await changed([10, okta(10, (text) => text.replace('ann@example.com', 'Ann@Example.com'))]),
    null,
  );
});

test('groups, manager and members are those of the day when the grant was certified', async () => {
  const certified = (days: number) =>
    one(
      `role: reader\ngranted: ${daysAgo(19)}\nreview: { decision: keep, by: user:ann@example.com, at: ${daysAgo(days)}, reason: r }`,
      ann,
    );
  const moved = (text: string) =>
    text.replace('["user:dana@example.com"]', '["user:dana@example.com", "user:ann@example.com"]');
  const standing = async (days: number, ...states: [number, Files][]) => {
    const { history, organisation } = await known([20, { ...certified(days), ...okta(20) }], ...states);
    const grant = organisation.grants[0];
    assert.ok(grant);
    return history.directories.position(grant)?.groups;
  };
  assert.deepEqual(await standing(15, [10, okta(10, moved)]), ['group:desk']);
  assert.deepEqual(await standing(9, [10, okta(10, moved)]), ['group:desk', 'group:night']);
  const group = one(`role: reader\ngranted: ${daysAgo(12)}`, { principal: 'group:night' });
  const { history, organisation } = await known([20, { ...group, ...okta(20) }], [10, okta(10, moved)]);
  const grant = organisation.grants[0];
  assert.ok(grant);
  assert.equal(history.directories.members(grant), 1);
  assert.deepEqual(history.directories.memberNames(grant), ['user:dana@example.com']);
});

test('whoever answered on a branch that a merge made a side branch answered for who was there then', async () => {
  const keep = (days: number) =>
    `granted: ${daysAgo(40)}\nreview: { decision: keep, by: user:ann@example.com, at: ${daysAgo(days)}, reason: r }`;
  const joined = (text: string) =>
    text.replace('["user:dana@example.com"]', '["user:dana@example.com", "user:ann@example.com"]');
  // Two syncs in which ann is in another group than before, and the branch that does not know of them pushed over them.
  const asked = async (days: number, inBetween: (text: string) => string, last: (text: string) => string) => {
    await known([
      30,
      {
        ...access([
          { id: 'one', principal: ann.principal ?? '', rest: `role: reader\n${keep(days)}` },
          { id: 'two', principal: 'group:night', rest: `role: reader\n${keep(days)}` },
        ]),
        ...okta(30),
      },
    ]);
    const enforced = here.git('branch', '--show-current').trim();
    here.git('checkout', '--quiet', '-b', `${enforced}-own`);
    await here.commit({ 'README.md': 'mine' }, daysAgo(29));
    here.git('checkout', '--quiet', enforced);
    await here.commit(okta(20, inBetween), daysAgo(20));
    await here.commit(okta(10, last), daysAgo(10));
    here.git('checkout', '--quiet', `${enforced}-own`);
    here.git('merge', '--quiet', '--no-edit', enforced);
    const evidence = await gather({ tree: await workingTree(here.root), decisions: [], asOf: asOfMs / 1000 });
    await evidence.usage.close();
    const { organisation, history } = evidence;
    const of = (id: string) => organisation.grants.find((grant) => grant.id === id) ?? assert.fail(id);
    return [history.directories.position(of('one'))?.groups, history.directories.members(of('two'))];
  };
  const still = (text: string) => text;
  assert.deepEqual(await asked(15, joined, joined), [['group:desk', 'group:night'], 2]);
  assert.deepEqual(await asked(25, joined, joined), [['group:desk'], 1], 'before the branch said so');
  assert.deepEqual(await asked(5, joined, still), [['group:desk'], 1], 'after it had said otherwise');
  // What is not so now is held against nobody, whatever a branch said.
  assert.deepEqual((await asked(15, joined, still))[0], ['group:desk']);
});

test('nobody is behind an owner since the first sync that said so', async () => {
  const idle = (text: string) => text.replaceAll('status: active', 'status: suspended');
  const since = async (...states: [number, Files][]) =>
    (await known([20, { ...one(), ...okta(20) }], ...states)).history.directories.ownerlessSince(
      'group:desk',
    );
  assert.equal(await since(), null);
  assert.equal(await since([10, okta(10, idle)], [8, okta(8, idle)]), seconds(10));
  assert.equal(await since([10, okta(10, idle)], [8, okta(8)]), null);
});

test('a principal is within reach since somebody active came who was not there for a day', async () => {
  const paused = (text: string) => text.replaceAll('status: active', 'status: suspended');
  const empty = (text: string) => text.replace('members: ["user:dana@example.com"]', 'members: []');
  const since = async (principal: string, ...states: [number, Files][]) =>
    (
      await known([20, { ...one('role: reader', { principal }), ...okta(20) }], ...states)
    ).history.directories.reachedSince(principal);
  const { principal } = ann;
  const night = 'group:night';
  assert.equal(await since(principal), null, 'there when history began');
  assert.equal(await since(principal, [10, okta(10, paused)]), null, 'not there now');
  assert.equal(await since(principal, [10, okta(10, paused)], [9, okta(9)]), seconds(9));
  assert.equal(
    await since(principal, [10, okta(10, paused)], [9.01, okta(9.01)]),
    null,
    'away for less than a day',
  );
  assert.equal(await since(night, [10, okta(10, empty)], [8, okta(8)]), seconds(8));
  const away = [10, okta(10, paused)] as [number, Files];
  assert.equal(await since(principal, away, [8, okta(8)], [5, okta(5)]), seconds(8), 'came once');
  assert.equal(await since(principal, away, [9.5, okta(9.5, paused)], [9, okta(9)]), seconds(9));
  assert.equal(await since('user:ANN@example.com', away, [9, okta(9)]), seconds(9));
  const hired = 'user:eve@example.com';
  const joins = (text: string) =>
    text.replace('people:\n', 'people:\n  - { login: eve@example.com, id: 00u9, status: active }\n');
  assert.equal(await since(hired, [10, okta(10, joins)]), seconds(10), 'who never was there has come');
  assert.equal(await since(hired, [19.9, okta(19.9, joins)]), seconds(19.9), 'however short history is');
  const unread = { 'grants/directory/okta.yaml': null };
  assert.equal(
    await since(principal, [10, unread], [5, okta(5)]),
    seconds(5),
    'no gateway knew them meanwhile',
  );
  assert.equal(await since(principal, [10, unread], [9.5, okta(9.5)]), null, 'but for half a day');
  const more = {
    'grants/directory/entra.yaml':
      'provider: entra\nsynced: 2026-11-01T00:00:00Z\ncomplete: true\npeople: []\ngroups: []\n',
  };
  assert.equal(
    await since(principal, [12, more], [10, unread], [5, okta(5)]),
    seconds(5),
    'nor beside another provider',
  );
});

test('a directory that was edited by hand is otherwise since then, not since it was read', async () => {
  const paused = (text: string) => text.replaceAll('status: active', 'status: suspended');
  const { principal } = ann;
  const told = async (...states: [number, Files][]) => {
    const { directories } = (await known([20, { ...one('role: reader', ann), ...okta(20) }], ...states))
      .history;
    return [directories.reachedSince(principal), directories.ownerlessSince('group:desk')];
  };
  assert.deepEqual(await told([5, okta(20, paused)]), [null, seconds(5)]);
  assert.deepEqual(
    await told([5, okta(20, paused)], [4.9, okta(4.9)]),
    [null, null],
    'away for less than a day',
  );
  assert.deepEqual(await told([5, okta(20, paused)], [3, okta(20)]), [seconds(3), null]);
});

test('who moves to another provider, or whose file is renamed, is followed there', async () => {
  const gone = without('ann@example.com');
  const entra = (days: number, change?: (text: string) => string): Files => ({
    'grants/directory/entra.yaml': (okta(days, change)['grants/directory/okta.yaml'] ?? '').replace(
      'provider: okta',
      'provider: entra',
    ),
  });
  const renamed = { ...entra(10), 'grants/directory/okta.yaml': null };
  const { directories } = (
    await known(
      [20, { ...one('role: reader', ann), ...okta(20) }],
      [10, renamed],
      [8, entra(8, gone)],
      [6, entra(6, gone)],
    )
  ).history;
  assert.deepEqual(
    directories.absences(ann.principal)?.map(({ syncs }) => syncs),
    [2],
  );
});

test('who was lost is missing by the provider that lost them, and others need not be read again for it', async () => {
  const [gone, nobody] = [without('ann@example.com'), (text: string) => text.replace(/ {2}- \{.*\n/g, '')];
  const kept = (days: number, change: (text: string) => string): Files => ({
    'grants/directory/kept.yaml': change(okta(days)['grants/directory/okta.yaml'] ?? '')
      .replace('provider: okta', 'provider: kept')
      .replace('people:', 'people: []')
      .replace('groups:', 'groups: []'),
  });
  const withAnn = (days: number) => ({
    'grants/directory/kept.yaml':
      kept(days, nobody)['grants/directory/kept.yaml']?.replace(
        'people: []',
        'people:\n  - { login: ann@example.com, id: k1, status: active }',
      ) ?? null,
  });
  const absent = async (...states: [number, Files][]) =>
    (await known([20, { ...one('role: reader', ann), ...okta(20) }], ...states)).history.directories
      .absences(ann.principal)
      ?.map(({ syncs }) => syncs) ?? null;
  const left = [
    [8, okta(8, gone)],
    [6, okta(6, gone)],
  ] as [number, Files][];
  assert.deepEqual(await absent([19, kept(19, nobody)], ...left), [2], 'the other never knew them');
  assert.deepEqual(await absent([19, withAnn(19)], [12, kept(12, nobody)], ...left), [2], 'lost them before');
  assert.equal(await absent([19, withAnn(19)], ...left), null, 'the other knows them');
  assert.deepEqual(await absent([19, withAnn(19)], ...left, [5, kept(5, nobody)]), [1], 'lost them last');
});

test('a group is absent only where a directory knew it once: others come with tokens', async () => {
  const absent = async (principal: string, ...states: [number, Files][]) =>
    (await known([20, { ...one('role: reader', { principal }), ...okta(20) }], ...states)).history.directories
      .absences(principal)
      ?.map(({ syncs }) => syncs) ?? null;
  const dissolved = (text: string) => text.replace(/.*name: night.*\n/, '').replace(', "group:night"', '');
  const [first, second] = [okta(10, dissolved), okta(8, dissolved)];
  assert.deepEqual(await absent('group:night', [10, first], [8, second]), [2]);
  assert.equal(await absent('group:of-tokens', [10, first], [8, second]), null);
  assert.deepEqual(await absent('user:nobody@example.com', [10, first], [8, second]), [3]);
});
