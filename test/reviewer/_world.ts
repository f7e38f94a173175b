import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instantOf } from '../../bundle/format/times.ts';
import { rememberFiles } from '../../bundle/git/rememberFiles.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import { type Forge, startForge } from '../../demo/forge/startForge.ts';
import { type ForgeTarget, openForge } from '../../reviewer/forge/forge.ts';
import { importOf } from '../../reviewer/pulls/mirror/importOf.ts';
import { openMirror } from '../../reviewer/pulls/mirror.ts';
import { applyJudged, judge, type ReviewResult } from '../../reviewer/review.ts';
import { undescribed } from '../demo/_described.ts';
import { keptOf } from './_kept.ts';
import {
  access,
  asOfMs,
  daysAgo,
  type Files,
  type GrantText,
  logLines,
  type Place,
  place,
  uses,
} from './_review.ts';

export const token = 'test-token-1234567890';
/** The forge's token of a person. */
export const tokenOf = (login: string) => `token-of-${login}-0123456789`;
export const idle = `role: reader\ngranted: ${daysAgo(2)}`;

export type World = {
  here: Place;
  forge: Forge;
  target: ForgeTarget;
  /** The forge's repository, a bare one. */
  repository: string;
  clock: { now: number };
  bare: (...args: string[]) => string;
  apply: (options?: {
    forge?: Partial<ForgeTarget>;
    asOfMs?: number;
    recommend?: boolean;
    signal?: AbortSignal;
    root?: string;
    decisions?: readonly string[];
    progress?: (line: string) => void;
  }) => Promise<ReviewResult>;
  /**
   * What a review at an instant does that finds what the first one found, without looking for it again: of the base branch
   * as it was when this was first asked for.
   */
  later: (asOfMs?: number, forge?: Partial<ForgeTarget>) => Promise<ReviewResult>;
  /** Commits to the forge's main branch, as somebody who pushes, so many days before the first review. */
  push: (files: Files, branch?: string, days?: number, by?: typeof ann) => Promise<void>;
  /** Calls and branch tips since the last time. */
  writes: () => { calls: string[]; branches: string };
};
const ann = { name: 'Ann', email: 'ann@example.com' };
/** Worlds begin alike, and what Git says of a commit is the same in each. */
const history = {};
const open: (() => Promise<unknown>)[] = [];

/** What was not as GitHub describes it. */
const wrong: string[] = [];

/** Closes every world opened since, and fails when one of them spoke otherwise than GitHub; for an `after.each` hook. */
export async function closeWorlds(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
  assert.deepEqual([...new Set(wrong.splice(0))], []);
}

/** ann's idle grant, bob's paused account, and a wide grant of the night shift. */
export const standard: readonly GrantText[] = [
  { id: 'idle', rest: idle },
  { id: 'busy' },
  { id: 'of-bob', principal: 'user:bob@example.com', api: 'payments' },
  { id: 'wide', owner: 'user:dana@example.com', rest: 'role: admin # for now' },
];

/** The forge's repositories as a first review left them, and what it judged by, by what the worlds began with. */
const reviewed = new Map<string, Promise<Reviewed>>();
type Judged = Awaited<ReturnType<typeof judge>>;
type Reviewed = { repository: string; judged: Judged };

/** A world after its first review. That is made once: each further one with the same files begins with a copy. */
export async function reviewedWorld(
  grants: readonly GrantText[] = standard,
  files: Files = {},
): Promise<World> {
  const key = JSON.stringify([grants, files]);
  const first = reviewed.get(key) ?? reviewOnce(grants, files);
  reviewed.set(key, first);
  return world(grants, files, undefined, await first);
}

async function reviewOnce(grants: readonly GrantText[], files: Files): Promise<Reviewed> {
  const began = await world(grants, files);
  const repository = mkdtempSync(join(tmpdir(), 'grantgate-reviewed-'));
  process.once('exit', () => rmSync(repository, { recursive: true, force: true }));
  await cp(began.repository, repository, { recursive: true });
  const judged = await judgedIn(repository, began.here);
  const { error } = await applyAt(began, judged, asOfMs);
  assert.equal(error, null);
  await began.forge.close();
  await cp(began.repository, repository, { recursive: true });
  return { repository, judged };
}

/** Applies what was judged as if it had been judged at another instant. */
async function applyAt(
  { clock, here, target }: Pick<World, 'clock' | 'here' | 'target'>,
  { evidence, plan, ...rest }: Judged,
  at: number,
): Promise<ReviewResult> {
  clock.now = at;
  const asOf = at / 1000;
  const judged = { ...rest, evidence: { ...evidence, asOf }, plan: { ...plan, as_of: instantOf(asOf) } };
  const forge = openForge(target);
  const mirror = await openMirror(forge);
  try {
    const options = { decisions: [here.decisions], asOfMs: at, opa: here.opa };
    return await applyJudged(judged, { forge, mirror }, options);
  } finally {
    await mirror.close();
  }
}

/** What the first review says of the base branch as it is there. */
async function judgedIn(repository: string, { decisions, opa }: Place): Promise<Judged> {
  const tree = rememberFiles(await gitTree(repository, 'main'));
  return judge(tree, { decisions: [decisions], kept: await keptOf(decisions, asOfMs), asOfMs, opa });
}

/** `heard` is told of each call of the forge's API when its work is done and it is not answered yet. `from`: what to begin with. */
export async function world(
  grants: readonly GrantText[] = standard,
  files: Files = {},
  heard: (call: { method: string; path: string }) => void = () => {},
  from?: Reviewed,
): Promise<World> {
  const here = await place({ ...access(grants), ...files });
  open.push(here.remove);
  await here.log(
    logLines([
      ...uses('busy', ['get', 'list'], 2),
      ...uses('wide', ['list', 'get'], 2),
      ...uses('of-bob', ['get'], 1),
    ]),
  );
  const repository = join(here.folder, 'forge.git');
  await cp(from?.repository ?? join(here.root, '.git'), repository, { recursive: true });
  if (from === undefined)
    await writeFile(
      join(repository, 'config'),
      `${(await readFile(join(repository, 'config'), 'utf8')).replace('bare = false', 'bare = true')}[receive]\n\tautogc = false\n`,
    );
  const clock = { now: asOfMs };
  const forge = await startForge({
    ...{ repository, owner: 'acme', name: 'access', token, history, now: () => clock.now },
    watch: (call) => {
      wrong.push(...[undescribed(call)].filter((said) => said !== null));
      heard(call);
    },
    users: [
      { login: 'ann', token: tokenOf('ann'), permission: 'write' },
      { login: 'dana', token: tokenOf('dana'), permission: 'read' },
      { login: 'eve', token: tokenOf('eve'), permission: 'read' },
      { login: 'other[bot]', token: tokenOf('other[bot]'), permission: 'write', type: 'Bot' },
    ],
  });
  open.push(forge.close);
  const bare = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
  let seen = 0;
  const target: ForgeTarget = {
    ...{ baseUrl: forge.api, owner: 'acme', repo: 'access', token },
    ...{ retries: 0, timeoutMs: 120_000, waitMs: 5000 },
    // Half the processes; what passes over HTTP is tested once.
    cloneUrl: repository,
  };
  let judged = from === undefined ? null : Promise.resolve(from.judged);
  return {
    here,
    forge,
    target,
    repository,
    clock,
    bare,
    apply: async ({ forge: other = {}, root = here.root, ...options } = {}) =>
      here.review({
        root,
        ...(options.decisions === undefined && {
          kept: await keptOf(here.decisions, options.asOfMs ?? asOfMs),
        }),
        apply: { forge: { ...target, ...other } },
        ...options,
      }),
    async later(at = clock.now, other = {}) {
      judged ??= judgedIn(repository, here);
      return applyAt({ clock, here, target: { ...target, ...other } }, await judged, at);
    },
    async push(files, branch = 'main', days = 0.01, by = ann) {
      const changes = Object.entries(files).map(([path, text]) => ({ path, text, executable: false }));
      const made = { base: `refs/heads/${branch}`, changes, message: 'grants: change\n', by };
      const at = Date.parse(daysAgo(days)) / 1000;
      execFileSync('git', ['fast-import', '--quiet', '--done'], {
        ...{ cwd: repository, stdio: ['pipe', 'ignore', 'inherit'] },
        input: importOf({ ...made, at, ref: `refs/heads/${branch}` }),
      });
    },
    writes() {
      const calls = forge.calls.slice(seen).filter(isWrite);
      seen = forge.calls.length;
      return {
        calls: calls.map(({ method, path }) => `${method} ${path.replace('/api/v3/repos/acme/access', '')}`),
        branches: bare('for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads/grantgate'),
      };
    },
  };
}

/** Questions in GraphQL are posted, too. */
export const isWrite = ({ method, path }: { method: string; path: string }): boolean =>
  method !== 'GET' && !path.endsWith('/graphql');

/** Asks the forge as its maintainer; anything but a good answer is a failure. */
export async function call<T = unknown>(
  { forge }: World,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const answer = await fetch(`${forge.api}/repos/acme/access${path}`, {
    method,
    headers: { authorization: `token ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(answer.ok, `${method} ${path} ${answer.status}`);
  return (await answer.json()) as T;
}

/** Writes another description of a pull request, as somebody who may push. */
export async function edit({ forge }: World, number: number, body: string, login = 'ann'): Promise<void> {
  const answer = await fetch(`${forge.api}/repos/acme/access/pulls/${number}`, {
    ...{ method: 'PATCH', headers: { authorization: `token ${tokenOf(login)}` } },
    body: JSON.stringify({ body }),
  });
  assert.ok(answer.ok, `${answer.status}`);
}

export const actions = ({ pulls }: ReviewResult) =>
  pulls.map(({ action, branch, grants }) => `${action} ${branch.slice(17)} ${grants.join(',')}`);
