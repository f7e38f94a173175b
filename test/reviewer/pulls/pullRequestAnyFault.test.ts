import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rememberFiles } from '../../../bundle/git/rememberFiles.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { createGit } from '../../../demo/forge/git/git.ts';
import { readRefs } from '../../../demo/forge/git/readRefs.ts';
import type { Fault } from '../../../demo/forge/model/faults.ts';
import { startForge } from '../../../demo/forge/startForge.ts';
import { detect } from '../../../reviewer/detect/detect.ts';
import { gather } from '../../../reviewer/evidence/gather.ts';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { ForgeError } from '../../../reviewer/forge/forgeError.ts';
import { makePlan } from '../../../reviewer/plan/makePlan.ts';
import { importOf } from '../../../reviewer/pulls/mirror/importOf.ts';
import { bot, type Mirror } from '../../../reviewer/pulls/mirror.ts';
import { knownPulls, openPullRequests } from '../../../reviewer/pulls/openPullRequests.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, logLines, place } from '../_review.ts';
import { idle, isWrite, token } from '../_world.ts';

const test = suite('any single fault of the forge');

// One plan, one repository: each case copies the repository and speaks to a forge of its own, in this process.
const named = (base['grants/directory/okta.yaml'] ?? '').replace('id: 00u4,', 'id: 00u4, github: dana,');
const here = await place({
  ...access(['idle', 'idle-too'].map((id) => ({ id, rest: idle }))),
  'grants/directory/okta.yaml': named,
});
await here.log(logLines([]));
const folder = await mkdtemp(join(tmpdir(), 'grantgate-faults-'));
test.after(async () => {
  await rm(folder, { recursive: true, force: true });
  await here.remove();
});
const tree = rememberFiles(await gitTree(here.root, 'main'));
const evidence = await gather({ tree, decisions: [here.decisions], asOf: asOfMs / 1000 });
const { verdicts } = await detect(evidence, await findOpa());
const whole = await makePlan(evidence, verdicts);
await evidence.usage.close();
const planOf = (...grants: string[]) => ({
  ...whole,
  findings: whole.findings.filter(({ grant }) => grants.includes(grant)),
});
const main = tree.revision ?? '';
const made = new Map<string, string>();
const compared = new Map<string, string[]>();

/** The forge's repository itself, instead of a copy of it. */
async function mirrorOf(repository: string): Promise<Mirror> {
  const refs = await readRefs(createGit(repository));
  const branches = new Map(
    [...refs].flatMap(([ref, tip]): [string, string][] =>
      ref.startsWith('refs/heads/grantgate/') ? [[ref.slice('refs/heads/'.length), tip]] : [],
    ),
  );
  return {
    ...{ repository, folder: '', branches, base: { branch: 'main', commit: main } },
    tree: async () => tree,
    first: async () => null,
    async commit(files, message, at) {
      const changes = [...files].map(([path, text]) => ({ path, text, executable: false }));
      const input = importOf({ base: main, changes, message, at, by: bot });
      const known = made.get(input);
      if (known !== undefined) return known;
      const id = execFileSync('git', ['fast-import', '--quiet', '--force', '--done'], {
        ...{ cwd: template, encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'inherit'] },
      }).trim();
      made.set(input, id);
      return id;
    },
    hasHumanCommits: async () => false,
    isAhead: async () => true,
    merged: async () => null,
    async differing(branch, commit) {
      const args = ['diff-tree', '-r', '-z', '--name-only', branch, commit];
      const known = compared.get(args.join());
      if (known !== undefined) return { tree: branch, paths: known };
      const names = execFileSync('git', args, { cwd: template, encoding: 'utf8' }).split('\0');
      compared.set(args.join(), names.filter(Boolean));
      return { tree: branch, paths: names.filter(Boolean) };
    },
    async push(branch, commit) {
      const path = join(repository, 'refs', 'heads', branch);
      const there = (await readFile(path, 'utf8').catch(() => '')).trim();
      if (there !== (branches.get(branch) ?? ''))
        throw new ForgeError('forge-git', 'git push', 'failed: stale info');
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${commit}\n`);
      branches.set(branch, commit);
    },
    close: async () => {},
  };
}
const template = join(folder, 'template.git');
await cp(join(here.root, '.git'), template, { recursive: true });

type Plan = ReturnType<typeof planOf>;
type Call = { method: string; path: string };
type Opened = Awaited<ReturnType<typeof openIn>>;
let count = 0;
/** What Git says of the same commits is the same in each copy. */
const history = {};

async function openIn(from: string) {
  count += 1;
  const repository = join(folder, `${count}.git`);
  // New commits are made in one place, and objects are seen everywhere.
  await cp(from, repository, { recursive: true, filter: (path) => path !== join(from, 'objects') });
  await mkdir(join(repository, 'objects', 'info'), { recursive: true });
  const alternates = [...new Set([template, from])].map((one) => `${join(one, 'objects')}\n`);
  await writeFile(join(repository, 'objects', 'info', 'alternates'), alternates.join(''));
  const forge = await startForge({
    ...{ repository, owner: 'acme', name: 'access', token, history, now: () => asOfMs },
    users: [{ login: 'dana', permission: 'write' }],
  });
  return {
    repository,
    forge,
    async run(plan: Plan): Promise<readonly Call[]> {
      const before = forge.calls.length;
      // Each forge has another port, and texts are compared.
      const cloneUrl = 'git@forge.example.com:acme/access.git';
      const target = { baseUrl: forge.api, owner: 'acme', repo: 'access', token, cloneUrl };
      const on = openForge({ ...target, retries: 0, timeoutMs: 120_000, waitMs: 0 });
      try {
        const mirror = await mirrorOf(repository);
        const known = await knownPulls(on, asOfMs);
        await openPullRequests({
          forge: on,
          mirror,
          known,
          plan,
          evidence,
          brake: null,
          pulls: [],
          asOfMs,
          hear: async (_, entries) => ({ entries: [...entries] }),
        });
      } catch (error) {
        if (!(error instanceof ForgeError)) throw error;
      }
      return forge.calls.slice(before);
    },
  };
}

type Stored = {
  issues: {
    title: string;
    body: string;
    state: string;
    number: number;
    labels: string[];
    pull: { head: { ref: string; sha: string }; reviewers: string[] } | null;
  }[];
  comments: { issue: number; body: string }[];
  statuses: { sha: string; context: string; state: string }[];
};

/** Closes the forge and tells what it holds: all that people see, besides comments. */
async function endOf({ repository, forge }: Opened) {
  await forge.close();
  const { issues, comments, statuses } = JSON.parse(
    await readFile(join(repository, 'forge.json'), 'utf8'),
  ) as Stored;
  const said = comments.map(({ issue, body }) => `${issue} ${body}`);
  assert.equal(new Set(said).size, said.length, 'nothing is said twice');
  const vouched = new Set(statuses.map(({ sha, context, state }) => `${sha} ${context} ${state}`));
  return {
    issues: issues
      // A failure may have begun a dashboard, which is closed once it has nothing to say.
      .filter(({ pull, state }) => pull !== null || state === 'open')
      .map(({ title, body, state, labels, pull }) => ({
        ...{ title, body: body.replace(/#\d+/g, '#'), state, labels: labels.toSorted() },
        ...{ branch: pull?.head.ref, head: pull?.head.sha, reviewers: pull?.reviewers },
      }))
      .sort((a, b) => (a.title < b.title ? -1 : 1)),
    heads: issues.flatMap(({ pull, state }) =>
      pull === null || state === 'closed'
        ? []
        : [vouched.has(`${pull.head.sha} grantgate/announced success`)],
    ),
  };
}

type End = Awaited<ReturnType<typeof endOf>>;
const withoutReviewers = ({ issues, heads }: End) => ({
  ...{ heads, issues: issues.map(({ reviewers: _, ...issue }) => issue) },
});

const faults: readonly (Omit<Fault, 'path'> & { name: string })[] = [
  { name: 'a refused token', status: 401 },
  { name: 'a right that is missing', status: 403 },
  { name: 'a limit', status: 429, headers: { 'retry-after': '0' } },
  {
    ...{ name: 'a secondary limit', status: 403, headers: { 'retry-after': '0' } },
    message: 'You have exceeded a secondary rate limit',
  },
  { name: 'a limit that lasts', status: 429, headers: { 'retry-after': '900' } },
  { name: 'a conflict', status: 409 },
  { name: 'a failure before the work', status: 500 },
  { name: 'a failure after the work', status: 502, when: 'after' },
  { name: 'a connection that drops before', status: 'reset' },
  { name: 'an answer that breaks off', status: 'cut' },
  { name: 'an answer that is behind', status: 'stale' },
];

/** `stride`: of so many faults, one hits each call; which one, differs from call to call. */
async function holds(name: string, from: string, plan: Plan, stride = 4): Promise<void> {
  const clean = await openIn(from);
  const calls = await clean.run(plan);
  assert.ok(calls.some(isWrite), 'there is something to do');
  const writes = (await clean.run(plan)).filter(isWrite);
  assert.deepEqual(writes, [], 'a second run changes nothing');
  const wanted = await endOf(clean);
  for (const [skip, { method, path }] of calls.entries())
    for (const [index, { name: what, ...fault }] of faults.entries()) {
      if ((skip + index) % stride !== 0) continue;
      // A read has no work to do, and a write shows nothing old.
      if (isWrite({ method, path }) ? fault.status === 'stale' : fault.when === 'after') continue;
      const at = `${name}: ${what} at ${method} ${path}`;
      const opened = await openIn(from);
      opened.forge.fail({ ...fault, path: /./, skip });
      await opened.run(plan);
      await opened.run(plan);
      const left = (await opened.run(plan)).filter(isWrite);
      assert.deepEqual(left, [], `${at}: it comes to rest`);
      const end = await endOf(opened);
      // Who may not ask for a review does without.
      const may = !(
        /requested_reviewers/.test(path) &&
        (fault.status === 409 || (fault.status === 403 && !fault.headers))
      );
      assert.deepEqual(may ? end : withoutReviewers(end), may ? wanted : withoutReviewers(wanted), at);
      await rm(opened.repository, { recursive: true });
    }
}

/** A state to begin with: what a clean run of a plan leaves. */
async function after(from: string, plan: Plan, then?: (api: string) => Promise<unknown>): Promise<string> {
  const opened = await openIn(from);
  await opened.run(plan);
  await then?.(opened.forge.api);
  await opened.forge.close();
  return opened.repository;
}

test('that hits the opening of a pull request leaves it as if nothing had been, after one more run', () =>
  holds('opening', template, planOf('idle'), 2));

test('that hits an update does no more', async () =>
  holds('updating', await after(template, planOf('idle')), planOf('idle', 'idle-too')));

test('that hits a closing does no more', async () =>
  holds('closing', await after(template, planOf('idle')), planOf()));

test('that hits what is said of somebody’s closing does no more', async () => {
  const close = (api: string) =>
    fetch(`${api}/repos/acme/access/pulls/1`, {
      method: 'PATCH',
      headers: { authorization: `token ${token}` },
      body: '{"state":"closed"}',
    });
  await holds('remembering', await after(template, planOf('idle'), close), planOf('idle'));
});
