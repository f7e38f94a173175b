import * as assert from 'node:assert/strict';
import { workingTree } from '../../../../bundle/git/tree.ts';
import { load } from '../../../../bundle/grants/load.ts';
import { answer } from '../../../../reviewer/answer.ts';
import { openForge } from '../../../../reviewer/forge/forge.ts';
import { periodReport } from '../../../../reviewer/periodReport.ts';
import { rehear } from '../../../../reviewer/pulls/commands/rehear.ts';
import { hidden, type Marker, parseBody } from '../../../../reviewer/pulls/text/marker.ts';
import { judgedLine } from '../../../../reviewer/pulls/text/sections.ts';
import { suite } from '../../../_suite.ts';
import { asOfMs, base, dayMs, type GrantText, grantEntry } from '../../_review.ts';
import {
  call,
  closeWorlds,
  edit,
  idle,
  reviewedWorld,
  standard,
  token,
  tokenOf,
  type World,
} from '../../_world.ts';

const test = suite('what somebody else writes into a description');
test.after.each(closeWorlds);

const [ofAnn, busy] = standard as [GrantText, GrantText];
const named = (base['grants/directory/okta.yaml'] ?? '')
  .replace('id: 00u1,', 'id: 00u1, github: ann,')
  .replace('id: 00u4,', 'id: 00u4, github: dana,');
const branch = 'grantgate/review/group-desk/removal';
const grants = [ofAnn, { id: 'idle-too', principal: 'service:invoicer', rest: idle }, busy];

const started = () => reviewedWorld(grants, { 'grants/directory/okta.yaml': named });
type Comment = { id: number; body: string; user: { login: string } };
async function as<T>(
  { forge }: World,
  login: string,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const made = await fetch(`${forge.api}/repos/acme/access${path}`, {
    ...{ method, headers: { authorization: `token ${tokenOf(login)}` } },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(made.ok, `${method} ${path} ${made.status}`);
  return (made.status === 204 ? null : await made.json()) as T;
}
const comment = (here: World, login: string, body: string) =>
  as<Comment>(here, login, 'POST', '/issues/1/comments', { body });
const bodyOf = async (here: World, number = 1) =>
  (await call<{ body: string }>(here, 'GET', `/pulls/${number}`)).body;
const markerOf = async (here: World) => parseBody(await bodyOf(here)) as Marker;
const notices = async (here: World) =>
  (await call<Comment[]>(here, 'GET', '/issues/1/comments')).flatMap(({ body }) =>
    body.startsWith('<!-- grantgate:told changed ') ? [body.split('\n').slice(1).join('\n')] : [],
  );
const heard = ({ forge, repository }: World) =>
  answer(
    {
      ...{ baseUrl: forge.api, owner: 'acme', repo: 'access', token, cloneUrl: repository },
      ...{ retries: 0, timeoutMs: 120_000 },
    },
    1,
  );
/** What the branch makes of the two grants, as `idle keep, idle-too revoke`. */
function held(here: World): string {
  const file = here.bare('show', `${branch}:grants/access/orders/group-desk.yaml`);
  return ['idle', 'idle-too']
    .map((id) => {
      const entry = file.split(/^(?=- id: )/m).find((one) => one.startsWith(`- id: ${id}\n`));
      const how =
        entry === undefined
          ? 'gone'
          : (/review: .*by: (\S+),/.exec(entry)?.[1] ?? /owner: (\S+)/.exec(entry)?.[1] ?? '');
      return `${id} ${/state: suspended/.test(entry ?? '') ? 'suspended' : how}`;
    })
    .join(', ');
}
/** Writes a description in which the marker says something else. */
async function forge(here: World, change: (marker: Marker) => Marker, login = 'ann'): Promise<void> {
  const body = await bodyOf(here);
  const said = hidden(change(parseBody(body) as Marker));
  await edit(
    here,
    1,
    body.replace(/^<!-- grantgate:review .* -->$/m, () => said),
    login,
  );
  assert.notEqual(await bodyOf(here), body);
}
const decided = (marker: Marker, grant: string, decision: Marker['entries'][number]['decision']): Marker => ({
  ...marker,
  entries: marker.entries.map((entry) => {
    const { decision: _, ...rest } = entry;
    return entry.grant !== grant ? entry : decision === undefined ? rest : { ...rest, decision };
  }),
});
const window = { instances: 1, from: '2019-01-01T00:00:00Z', coverage: '100.00 %' };
const keep = (by: string) =>
  ({ kind: 'keep', by, at: '2026-11-23T12:00:00Z', until: '2027-03-31', reason: 'the audit' }) as const;
const applied = async (here: World) => (await here.later()).pulls.map(({ action }) => action).join();

test('a decision in another’s name is not carried out, and told; one by a comment beside it stays', async () => {
  const here = await started();
  await comment(here, 'dana', '/keep idle 2027-03-31 the audit');
  await heard(here);
  await applied(here);
  const proven = 'idle user:dana@example.com, idle-too gone';
  assert.equal(held(here), proven);
  const tip = here.bare('rev-parse', branch);
  await forge(here, (marker) => decided(marker, 'idle-too', keep('user:dana@example.com')));
  // Nothing is carried out by it meanwhile, which is said once to whoever asks.
  await comment(here, 'dana', '/suspend idle-too');
  for (let turn = 0; turn < 2; turn += 1)
    assert.match((await heard(here)).reason ?? '', /somebody has changed/);
  assert.deepEqual((await notices(here)).length, 1);
  assert.equal(here.bare('rev-parse', branch), tip);
  // A run that dies in between has not said on as its own what somebody else wrote.
  await edit(here, 1, (await bodyOf(here)).replace('### revoke `idle-too`', '### leave `idle-too`'));
  here.forge.fail({ method: 'PATCH', path: /\/pulls\/1$/, status: 500, skip: 1 });
  assert.equal(await applied(here), 'failed');
  assert.doesNotMatch(await bodyOf(here), /### leave/);
  assert.equal(await applied(here), 'updated');
  assert.equal(held(here), 'idle user:dana@example.com, idle-too suspended');
  const [, told = ''] = await notices(here);
  assert.match(
    told,
    /Not carried out, for no such comment bears it out: keep of `idle-too` by `dana@example\.com`\./,
  );
  assert.match(told, /Still in force, though the description left it out: suspend of `idle-too` by `dana@/);
  here.writes();
  assert.equal(await applied(here), 'unchanged');
  assert.deepEqual(here.writes().calls, []);
  assert.deepEqual(await heard(here), { number: 1, handled: 0, changed: false });
});

test('a decision that is taken out stays; one whose comment is gone as well ends, and both are told', async () => {
  const here = await started();
  const first = await comment(here, 'dana', '/keep idle 2027-03-31 the audit');
  here.clock.now += 1000;
  await comment(here, 'dana', '/suspend idle-too');
  await heard(here);
  // As long as nobody else writes into the description, the review's own word stands, whatever became of the comment.
  await as(here, 'ann', 'DELETE', `/issues/comments/${first.id}`);
  await applied(here);
  assert.equal(held(here), 'idle user:dana@example.com, idle-too suspended');
  await forge(here, (marker) => decided(marker, 'idle-too', undefined));
  assert.equal(await applied(here), 'updated');
  assert.equal(held(here), 'idle gone, idle-too suspended');
  assert.match(
    (await notices(here))[0] ?? '',
    /bears it out: keep of `idle` by `dana@.*Still in force.*: suspend of `idle-too` by/,
  );
});

test('words beside it are people’s, and change nothing', async () => {
  const here = await started();
  await comment(here, 'dana', '/keep idle 2027-03-31 the audit');
  await heard(here);
  await applied(here);
  const [tip, body] = [here.bare('rev-parse', branch), await bodyOf(here)];
  const fake = judgedLine({ ...{ asOf: '2020-01-01T00:00:00Z', revision: null, records: 9 }, ...window });
  await edit(here, 1, `${fake}\n\n${body}\nSee FIN-7.`);
  assert.equal(await applied(here), 'updated');
  assert.deepEqual([await notices(here), here.bare('rev-parse', branch)], [[], tip]);
  assert.match(await bodyOf(here), /^Judged as of 2020[\s\S]*See FIN-7\.\n$/);
  assert.equal(await applied(here), 'unchanged');
  await comment(here, 'dana', '/revoke idle');
  assert.deepEqual(await heard(here), { number: 1, handled: 1, changed: true });
  // The report of the period takes what a merge rests on from the review's own words, if nobody has changed them since.
  await here.forge.merge(1);
  const report = async () => {
    const { pack } = await periodReport({
      ...{
        root: here.repository,
        revision: 'main',
        decisions: [],
        usage: [],
        gateways: [],
        opa: here.here.opa,
      },
      ...{ period: { from: asOfMs / 1000 - 86_400, to: asOfMs / 1000 + 86_400 }, nowMs: asOfMs + dayMs },
      forge: { baseUrl: here.forge.api, owner: 'acme', repo: 'access', token, cloneUrl: here.repository },
    });
    const rows = (name: string) =>
      (JSON.parse(pack.get(`${name}.json`) ?? '{}') as { rows: Record<string, unknown>[] }).rows;
    const found = rows('decisions').flatMap(({ pull_request, found_at }) =>
      pull_request === 1 ? [found_at] : [],
    );
    return [
      ...new Set(found),
      ...rows('changed-descriptions').map(({ what }) => /evidence/.test(String(what))),
    ];
  };
  assert.deepEqual(await report(), ['2026-11-23T12:00:00Z']);
  await edit(here, 1, (await bodyOf(here)).replaceAll('2026-11-2', '2025-11-2'));
  assert.deepEqual(await report(), [null, true]);
});

test('no closing counts as an answer that others have written into, and no pull request of their own', async () => {
  const here = await started();
  const marker = await markerOf(here);
  const close = (number: number) => as(here, 'ann', 'PATCH', `/pulls/${number}`, { state: 'closed' });
  await close(1);
  assert.equal(await applied(here), 'held');
  await forge(here, (one) => ({ ...one, remembered: '2099-01-01T00:00:00Z' }));
  const [opened] = (await here.later()).pulls;
  assert.equal(opened?.action, 'opened');
  // What somebody opens under the review's branches is not the review's, whatever it says.
  const theirs = 'grantgate/review/group-desk/removal-7';
  here.bare('branch', theirs, 'main');
  await here.push({ 'notes.txt': 'y' }, theirs, 38);
  const body = `${hidden({ ...marker, commit: null })}\nours\n<!-- grantgate:end -->`;
  const asked = { title: 'Access review', head: theirs, base: 'main', body };
  const { number } = await as<{ number: number }>(here, 'ann', 'POST', '/pulls', asked);
  await close(number);
  assert.equal(await applied(here), 'unchanged');
});

test('a branch of people holds nothing by a text that they have changed, and a closing says nothing of theirs', async () => {
  const here = await started();
  await here.push({ 'grants/access/orders/README.md': 'ours\n' }, branch);
  assert.equal(await applied(here), 'unchanged');
  await forge(here, (marker) => ({ ...marker, entries: [...marker.entries, ...marker.entries] }));
  const [theirs, opened] = (await here.later()).pulls;
  assert.deepEqual(
    [opened?.action, opened?.grants, theirs?.action, theirs?.number],
    ['opened', ['idle', 'idle-too'], 'unchanged', 1],
  );
  // Nothing is found any more: of what somebody wrote nothing is said on as the review's.
  const second = opened?.number ?? 0;
  const was = await bodyOf(here, second);
  const forgedText = was.replace('### revoke `idle`', '### keep `idle`');
  const said = hidden(decided(parseBody(was) as Marker, 'idle', keep('user:dana@example.com')));
  await edit(
    here,
    second,
    forgedText.replace(/^<!-- grantgate:review .* -->$/m, () => said),
  );
  await here.push({ 'grants/access/orders/group-desk.yaml': grantEntry(busy) });
  await here.apply();
  const body = await bodyOf(here, second);
  assert.match(body, /Closed, for its cause is gone/);
  assert.doesNotMatch(body, /### keep/);
  const left = parseBody(body) ?? assert.fail();
  assert.deepEqual([left.entries.length, left.entries.filter((entry) => 'decision' in entry)], [2, []]);
});

test('what names no grant, or was said of less, is not heard of others when it is heard again', async () => {
  const here = await started();
  await comment(here, 'dana', '/keep 2027-03-31 all of it is fine');
  await heard(here);
  assert.equal(held(here), 'idle user:dana@example.com, idle-too user:dana@example.com');
  // One is moved elsewhere, or another joins: of what it was said nobody knows any more.
  await forge(here, (marker) => ({ ...marker, entries: marker.entries.slice(0, 1) }));
  assert.equal(await applied(here), 'updated');
  assert.equal(held(here), 'idle gone, idle-too gone');
  assert.match((await notices(here))[0] ?? '', /names no grant was not heard again.*: @dana, say it again/);
  here.writes();
  assert.equal(await applied(here), 'unchanged');
  assert.deepEqual(here.writes().calls, [], 'nor by a later run');
  await comment(here, 'dana', '/keep idle-too 2027-03-31 the reader');
  const asked = openForge({ baseUrl: here.forge.api, owner: 'acme', repo: 'access', token, retries: 0 });
  const { organisation } = await load(await workingTree(here.here.root));
  assert.ok(organisation);
  const { entries, as_of } = await markerOf(here);
  const heardAnew = (grownMs: number, held = entries) =>
    rehear({ ...{ forge: asked, number: 1, organisation, as_of, entries: held }, since: () => grownMs });
  const again = async (grownMs: number) =>
    (await heardAnew(grownMs)).entries.flatMap(({ grant, decision }) =>
      decision === undefined ? [] : [`${grant} ${decision.kind}`],
    );
  assert.deepEqual(await again(here.clock.now), ['idle-too keep']);
  assert.deepEqual(await again(here.clock.now + 1), []);
  const why = await comment(here, 'dana', '/why idle');
  await heard(here);
  // What is still here has not been split off, and the next run does that; of all that was here then nobody knows.
  const [one, all] = [await comment(here, 'dana', '/split idle-too'), await comment(here, 'ann', '/split')];
  const { handled = [], unnamed } = await heardAnew(0);
  assert.deepEqual(
    [one, all, why].map(({ id }) => handled.includes(`c${id}`)),
    [false, true, true],
  );
  assert.deepEqual(unnamed, ['dana', 'ann']);
  assert.deepEqual((await heardAnew(0, entries.slice(0, 1))).unnamed, ['dana'], 'one is not to be split');
});
