import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { workingTree } from '../../../bundle/git/tree.ts';
import { endOf } from '../../../bundle/grants/dates.ts';
import { createProgram } from '../../../commands/program.ts';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { openProposal } from '../../../reviewer/proposal/openProposal.ts';
import { restoreGrant } from '../../../reviewer/restore/restoreGrant.ts';
import { restorePrefix, restoreProposal, restoreText } from '../../../reviewer/restore/restoreText.ts';
import { whyTaken } from '../../../reviewer/restore/whyTaken.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, daysAgo, type Files, grantEntry, type Place, place } from '../_review.ts';
import { closeWorlds, token, world } from '../_world.ts';

const test = suite('restore');
const run = promisify(execFile);
const cli = join(import.meta.dirname, '../../../cli.ts');
const now = asOfMs / 1000;
const desk = 'grants/access/orders/group-desk.yaml';
const ended = `role: reader\nexpires: ${daysAgo(3)}`;

const all = [
  { id: 'removed' },
  { id: 'paused', rest: 'role: editor' },
  { id: 'smaller', rest: 'role: admin' },
  { id: 'ended', rest: ended },
  { id: 'moved' },
  { id: 'of-cleo', principal: 'user:cleo@example.com' },
  { id: 'kept' },
  { id: 'lapsed', rest: ended },
];
const texts = (grants: readonly Parameters<typeof grantEntry>[0][]) => access(grants)[desk] ?? null;
let here: Place;

const restored = async (id: string, more: { commit?: string; until?: string; asOf?: number } = {}) =>
  restoreGrant(await workingTree(here.root), id, { asOf: now, ...more });
/** `PRINCIPAL verb operations` of each change. */
const effect = async (id: string, more = {}) =>
  (await restored(id, more)).changes.map(
    ({ who, kind, operations }) => `${who.join('+')} ${kind} ${operations.join('+')}`,
  );
const refused = (id: string, message: RegExp, more = {}) =>
  assert.rejects(restored(id, more), (error: { code?: string; message: string }) => {
    assert.equal(error.code, 'nothing-to-restore');
    assert.match(error.message, message);
    return true;
  });

test.before(async () => {
  here = await place(access(all));
  const steps: Files[] = [
    { [desk]: texts(all.map((one) => (one.id === 'smaller' ? { ...one, rest: 'role: editor' } : one))) },
    {
      [desk]: texts([
        { id: 'paused', rest: 'role: editor\nstate: suspended' },
        { id: 'smaller', rest: 'role: reader' },
        { id: 'kept' },
        { id: 'lapsed', rest: ended },
      ]),
      'grants/access/orders/other.yaml': grantEntry({ id: 'moved' }),
    },
    { 'grants/access/orders/other.yaml': null },
  ];
  for (const [index, files] of steps.entries()) await here.commit(files, daysAgo(20 - index));
});
test.after(async () => {
  await here.remove();
  await closeWorlds();
});

test('a removed grant comes back as it was, and who gains by it is told', async () => {
  const { file, texts: changed, taken, written } = await restored('removed');
  assert.equal(file, desk);
  assert.ok(changed.get(desk)?.includes(grantEntry({ id: 'removed' })));
  assert.equal(taken.how, 'removed');
  assert.ok(written.at < taken.at && /^[0-9a-f]{40}$/.test(taken.commit ?? ''));
  // ann holds the same by `kept`.
  assert.deepEqual(await effect('removed'), []);
});

test('a suspended grant is active again, a narrowed one as wide as before the last time', async () => {
  assert.deepEqual(await effect('paused'), ['user:ann@example.com gains create']);
  assert.equal((await restored('paused')).taken.how, 'suspended');
  assert.deepEqual(await effect('smaller'), ['user:ann@example.com gains create']);
  assert.equal((await restored('smaller')).taken.how, 'narrowed');
});

test('any earlier state is put back by its commit, and only by a commit that wrote the grant', async () => {
  const first = here.git('rev-list', '--max-parents=0', 'HEAD').trim();
  assert.deepEqual(await effect('smaller', { commit: first }), ['user:ann@example.com gains create+remove']);
  await refused('smaller', /is no commit that wrote the grant smaller; those are [0-9a-f]{12}/, {
    commit: 'HEAD',
  });
  await assert.rejects(restored('smaller', { commit: 'nosuch' }), { code: 'git-revision' });
});

test('tells the finding by which it was taken, and who merged that', async () => {
  const { tree, head } = { tree: 'HEAD^{tree}', head: here.git('rev-parse', 'HEAD').trim() };
  const commit = (message: string, ...parents: string[]) =>
    here.git('commit-tree', tree, ...parents.flatMap((id) => ['-p', id]), '-m', message).trim();
  const found = 'revoke removed (never-used): Ann has not used it once.';
  const ours = `Access review: revoke 2\n\nrevoke removed-too (dormant): No.\n${found}\n`;
  const [said, review] = [commit('grants: by hand', head), commit(ours, head)];
  const merge = (one: string, other: string) => commit('Merge pull request #12 from x', one, other);
  const why = async (id: string, grant = 'removed') => {
    const { by, found } = await whyTaken(await workingTree(here.root), id, grant);
    assert.equal(by, 'Ann');
    return found;
  };
  assert.equal(await why(review), found);
  assert.equal(await why(commit(`Access review (#12)\n\n* ${ours.trim()}`, head)), found, 'squashed');
  assert.equal(await why(merge(head, review)), found);
  assert.equal(await why(merge(said, review)), found);
  assert.equal(await why(merge(review, said)), null, 'what was there before is not why');
  assert.equal(await why(said), null);
  assert.equal(await why(review, 'remove'), null);
  assert.deepEqual((await restored('removed')).taken.why, { by: 'Ann', found: null });
  const told = await restored('removed');
  const text = (line: string | null) =>
    restoreProposal({ ...told, taken: { ...told.taken, why: { by: 'Ann', found: line } } }, now).body;
  assert.match(text(null), /^- removed: [0-9a-f]{12} of .*; by Ann; no finding of a review is named there$/m);
  assert.ok(
    text('revoke removed (dormant): <b>').includes(
      '; by Ann; found then: revoke removed \\(dormant\\): &lt;b&gt;\n',
    ),
  );
  assert.match(restoreText(told), /^removed was removed by .*\n {2}by Ann\n {2}no finding of a review/);
});

test('a grant is found in the file that it had moved to', async () => {
  const { file } = await restored('moved');
  assert.equal(file, 'grants/access/orders/other.yaml');
});

test('one that had ended needs a new end, which must be ahead', async () => {
  await refused('ended', /ended on .*--until/);
  await refused('ended', /has passed/, { until: '2026-11-22' });
  // An end is the first instant that is over.
  await refused('ended', /has passed/, { until: new Date(asOfMs).toISOString().replace('.000', '') });
  await refused('ended', /ended on .*--until/, { asOf: endOf(daysAgo(3)) });
  const { texts: changed } = await restored('ended', { until: '2027-01-31' });
  assert.match(changed.get(desk) ?? '', /- id: ended\n(?: {2}.*\n)* {2}expires: 2027-01-31\n/);
});

test('refuses what was never there, and what gives all that it ever gave', async () => {
  await refused('nosuch', /no commit of this branch had a grant nosuch/);
  // An id that is part of another is another.
  await refused('remove', /no commit of this branch had a grant remove/);
  await refused('kept', /gives all that it ever gave/);
  await refused('lapsed', /was not taken away: it ended on 2026-\S+; give it a later `expires`/);
});

test('a grant of somebody who is gone comes back and gives nobody anything', async () => {
  assert.deepEqual(await effect('of-cleo'), []);
});

test('what would not be valid is refused, with the place', async () => {
  const api = String(base['grants/apis/orders.yaml']).replace(
    '  editor: [reader, create]\n  admin: [editor, remove]\n',
    '',
  );
  await here.write({ 'grants/apis/orders.yaml': api });
  try {
    await assert.rejects(restored('paused'), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'grants-invalid');
      assert.match(error.message, /group-desk\.yaml:\d+:\d+/);
      return true;
    });
  } finally {
    here.git('checkout', '--quiet', '--', 'grants/apis/orders.yaml');
  }
});

test('the command changes nothing unless told to, and writes one file when it is', async () => {
  const before = readFileSync(join(here.root, desk), 'utf8');
  const call = (...args: string[]) => run(process.execPath, [cli, 'restore', '--root', here.root, ...args]);
  assert.match(
    (await call('paused')).stdout,
    /paused was suspended by [0-9a-f]{12}[\s\S]*Nothing was changed/,
  );
  assert.equal(here.git('status', '--porcelain'), '');
  assert.match((await call('paused', '--write')).stdout, /was written/);
  assert.equal(readFileSync(join(here.root, desk), 'utf8'), before.replace('\n  state: suspended', ''));
  here.git('checkout', '--quiet', '--', '.');
  for (const wrong of [
    ['--write', '--apply'],
    ['--until', 'soon'],
    ['--apply', '--repository', 'x'],
  ])
    await assert.rejects(
      createProgram().parseAsync(['restore', 'paused', '--root', here.root, ...wrong], { from: 'user' }),
      { code: 'usage' },
    );
});

test('proposes it as one pull request, which a second call leaves as it is and people keep', async () => {
  const { forge, bare, push } = await world();
  const file = 'grants/access/orders/group-desk.yaml';
  await push({ [file]: grantEntry({ id: 'busy' }) });
  const target = { baseUrl: forge.api, owner: 'acme', repo: 'access', token };
  const apply = () =>
    openProposal(openForge(target), { prefix: restorePrefix }, async (tree) =>
      restoreProposal(await restoreGrant(tree, 'idle', { asOf: now }), now),
    );
  const opened = await apply();
  assert.equal(opened.action, 'opened');
  assert.match(bare('show', `grantgate/restore/idle:${file}`), /^- id: idle$/m);
  assert.equal(bare('rev-list', '--count', 'main..grantgate/restore/idle'), '1');
  const again = await apply();
  assert.deepEqual([again.action, again.pull.url], ['idle', opened.pull.url]);
  await push({ 'README.md': 'mine' }, 'grantgate/restore/idle');
  const tip = bare('rev-parse', 'grantgate/restore/idle');
  assert.equal((await apply()).action, 'left');
  assert.equal(bare('rev-parse', 'grantgate/restore/idle'), tip);
});
