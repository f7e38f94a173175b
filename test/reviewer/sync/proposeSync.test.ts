import * as assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Octokit } from '@octokit/rest';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { bot } from '../../../reviewer/pulls/mirror.ts';
import { proposeSync } from '../../../reviewer/sync/proposeSync.ts';
import { suite } from '../../_suite.ts';
import { closeWorlds, token, type World, world } from '../_world.ts';
import { type Organisation, type Stub, serveOkta } from './_providers.ts';

const test = suite('propose');
let organisation: Organisation;
let okta: Stub;
let here: World;

test.before(async () => {
  okta = await serveOkta(() => organisation);
  here = await world();
});
test.after(async () => {
  await closeWorlds();
  await okta.close();
});

/** What the sample's directory says. */
const same = (): Organisation => ({
  people: [
    { id: '00u1', login: 'ann@example.com' },
    { id: '00u2', login: 'bob@example.com', status: 'suspended' },
    { id: '00u3', login: 'cleo@example.com', status: 'deprovisioned' },
    { id: '00u4', login: 'dana@example.com' },
  ],
  groups: [
    { id: 'g1', name: 'desk', people: ['00u1', '00u2', '00u4'] },
    { id: 'g2', name: 'night', people: ['00u4'] },
  ],
});

async function propose(more = '') {
  const configFile = join(here.here.folder, 'sync.yaml');
  writeFileSync(
    configFile,
    `providers:\n  - { provider: okta, kind: okta, url: "${okta.url}", token: { env: TOKEN }${more} }\n`,
  );
  const forge = openForge({
    baseUrl: here.forge.api,
    owner: 'acme',
    repo: 'access',
    token,
    retries: 0,
    timeoutMs: 20_000,
  });
  const [proposed] = await proposeSync(forge, { configFile, only: [], env: { TOKEN: 't' } });
  assert.ok(proposed);
  return proposed;
}
/** A pull request as the forge tells it. */
async function pullOf(url: string | null) {
  const octokit = new Octokit({ baseUrl: here.forge.api, auth: token });
  const { data } = await octokit.pulls.get({
    owner: 'acme',
    repo: 'access',
    pull_number: Number(url?.split('/').at(-1)),
  });
  return { ...data, body: data.body ?? '' };
}
const head = 'grantgate/sync/okta';
const onBranch = (branch: string) => `${here.bare('show', `${branch}:grants/directory/okta.yaml`)}\n`;

test('proposes what changed, once; what comes back unchanged is left alone; what is taken back is closed', async () => {
  organisation = same();
  organisation.people.push({ id: '00u5', login: 'eve@example.com' });
  organisation.groups[0]?.people.push('00u5');
  const first = await propose();
  assert.equal(first.action, 'opened');
  const pull = await pullOf(first.url);
  assert.match(pull.title, /^Sync okta: 1 came, \d groups? changed$/);
  assert.match(pull.body, /eve@example.com came/);
  assert.match(pull.body, /gives and takes access/);
  here.writes();
  // Signing in is no news.
  for (const person of organisation.people) person.lastSignIn = '2026-11-23T08:00:00Z';
  assert.equal((await propose()).action, 'idle');
  assert.deepEqual(here.writes().calls, []);
  organisation.people.push({ id: '00u6', login: 'fred@example.com' });
  const second = await propose();
  assert.deepEqual([second.action, second.url], ['updated', first.url]);
  assert.match((await pullOf(first.url)).body, /fred@example.com came/);
  // The file as it is in the repository again.
  await here.push({ 'grants/directory/okta.yaml': onBranch(head) });
  assert.equal((await propose()).action, 'closed');
  assert.equal((await pullOf(first.url)).state, 'closed');
});

test('never touches a branch that a person has committed to', async () => {
  organisation.people.push({ id: '00u7', login: 'gus@example.com' });
  assert.equal((await propose()).action, 'opened');
  await here.push({ 'grants/directory/okta.yaml': onBranch(head).replace('gus@', 'gustav@') }, head);
  const tip = here.bare('rev-parse', head);
  organisation.people.push({ id: '00u8', login: 'hal@example.com' });
  assert.equal((await propose()).action, 'left');
  assert.equal(here.bare('rev-parse', head), tip);
  await here.forge.merge(Number((await propose()).url?.split('/').at(-1)));
  here.bare('update-ref', '-d', `refs/heads/${head}`);
});

test('merges by itself only what takes away, and only where that is configured', async () => {
  organisation.people = organisation.people.filter(({ id }) => id !== '00u7');
  organisation.people.push({ id: '00u7', login: 'gustav@example.com' });
  const kept = (await propose(', merge_removals: true')).action;
  // Somebody new came: that never merges by itself.
  assert.equal(kept, 'opened');
  await here.forge.merge(Number((await propose()).url?.split('/').at(-1)));
  here.bare('update-ref', '-d', `refs/heads/${head}`);
  const eve = organisation.people.find(({ login }) => login === 'eve@example.com');
  assert.ok(eve);
  eve.status = 'suspended';
  assert.equal((await propose()).action, 'opened');
  assert.doesNotMatch(onBranch('main'), /eve@example.com"\n {4}id: "00u5"\n {4}status: suspended/);
  assert.equal((await propose(', merge_removals: true')).action, 'merged');
  assert.match(onBranch('main'), /eve@example.com"\n {4}id: "00u5"\n {4}status: suspended/);
  eve.status = 'active';
  assert.equal((await propose(', merge_removals: true')).action, 'opened');
});

test('what a text leaves out is news all the same: who left among many that came is not merged as active', async () => {
  here.bare('update-ref', '-d', `refs/heads/${head}`);
  for (let id = 100; id < 130; id += 1)
    organisation.people.push({ id: `00u${id}`, login: `new${id}@example.com` });
  const first = await propose();
  assert.equal(first.action, 'opened');
  const { body } = await pullOf(first.url);
  assert.doesNotMatch(body, /new127@/);
  organisation.people = organisation.people.filter(({ id }) => id !== '00u127');
  organisation.people.push({ id: '00u131', login: 'new131@example.com' });
  assert.equal((await propose()).action, 'updated');
  assert.equal((await pullOf(first.url)).body, body);
  assert.doesNotMatch(onBranch(head), /new127@/);
  assert.match(onBranch(head), /new131@/);
  assert.equal((await propose()).action, 'idle');
  await here.forge.merge(Number(first.url?.split('/').at(-1)));
});

test('merges what it has looked at: not what came to the branch since, nor what calls itself the bot’s', async () => {
  here.bare('update-ref', '-d', `refs/heads/${head}`);
  const dana = organisation.people.find(({ login }) => login === 'dana@example.com');
  assert.ok(dana);
  dana.status = 'suspended';
  const { url } = await propose();
  // Whoever may push gives somebody a group, in the bot's name; what the pull request says stays.
  const forged = onBranch(head).replace(/(id: "00u4"\n {4}status:) suspended/, '$1 active');
  assert.notEqual(forged, onBranch(head));
  await here.push({ 'grants/directory/okta.yaml': forged }, head, 0.01, bot);
  assert.equal((await propose()).action, 'updated');
  assert.doesNotMatch(onBranch(head), /id: "00u4"\n {4}status: active/);
  // Nor while the provider is read, which may take minutes.
  okta.between = () => {
    okta.between = () => {};
    const tip = here.bare('commit-tree', `${head}^{tree}`, '-p', head, '-m', 'late');
    here.bare('update-ref', `refs/heads/${head}`, tip);
  };
  assert.equal((await propose(', merge_removals: true')).action, 'idle');
  assert.equal((await propose(', merge_removals: true')).action, 'left', 'it is people’s now');
  assert.equal((await pullOf(url)).merged, false);
  here.bare('update-ref', `refs/heads/${head}`, `${head}~1`);
  assert.equal((await propose(', merge_removals: true')).action, 'merged');
  assert.match(onBranch('main'), /id: "00u4"\n {4}status: suspended/);
});

test('a creation whose answer is lost is found again, and is no failure', async () => {
  here.bare('update-ref', '-d', `refs/heads/${head}`);
  const dana = organisation.people.find(({ login }) => login === 'dana@example.com');
  assert.ok(dana);
  dana.status = 'active';
  here.forge.fail({ method: 'POST', path: /\/pulls$/, status: 502, when: 'after' });
  const first = await propose();
  assert.equal(first.action, 'opened');
  assert.equal((await propose()).action, 'idle');
});
