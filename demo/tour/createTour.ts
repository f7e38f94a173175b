import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from '../../bundle/git/git.ts';
import type { DecisionRecord } from '../../gateway/record/record.ts';
import type { Loop } from '../startLoop.ts';
import { chooseRevocation, everybodyElse } from './chooseRevocation.ts';
import { type LoadResult, startSteadyLoad } from './steadyLoad.ts';
import { TourError } from './tourError.ts';

export type Print = (line: string) => void;
type Answer = { status: number; type: string | null; text: string };
type Problem = { code?: string; decision_id?: string };
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

function hold(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new TourError(sentence);
}

/** A place on the loop. */
export type Station = 'grants' | 'bundle' | 'gateway' | 'records' | 'reviewer' | 'pull request';

/** One step of the tour: prints what it saw, and throws TourError at the first thing that does not hold. */
export type Step = {
  title: string;
  /** Where on the loop it looks. */
  at: readonly Station[];
  /** `begin` is told what takes a while. */
  run: (print: Print, begin: (what: string) => void) => Promise<void>;
};

/** What the steps found out; milliseconds from merge to first denial, null until then. */
export type Tour = { steps: readonly Step[]; took: () => number | null };

/** What the steps share: each rests on what those before it found. */
type Walk = {
  loop: Loop;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Whose access goes, and by which pull request; the same in all steps. */
  choice: () => ReturnType<typeof chooseRevocation>;
  /** What came of the merge; null before. */
  merge: { commit: string; took: number; problem: Problem; others: LoadResult } | null;
};

type RunStep = (walk: Walk, ...tell: Parameters<Step['run']>) => Promise<void>;

const stations: readonly (Pick<Step, 'title' | 'at'> & { run: RunStep })[] = [
  {
    title: 'Somebody is allowed, by a grant that is about to go',
    at: ['grants', 'bundle', 'gateway'],
    run: seeAllowed,
  },
  {
    title: 'The reviewer proposes to take it away',
    at: ['reviewer', 'pull request'],
    run: seeProposal,
  },
  {
    title: 'It is merged, and the same request is refused',
    at: ['pull request', 'grants', 'bundle', 'gateway'],
    run: mergeUnderLoad,
  },
  { title: 'The denial is on record', at: ['gateway', 'records'], run: seeRecord },
  { title: 'Nobody else was disturbed', at: ['gateway'], run: seeOthers },
  { title: 'A second review has nothing to add', at: ['records', 'reviewer'], run: reviewAgain },
];

/**
 * The loop once, step by step, each after the one before it: allowed, merged, denied, recorded, everybody else
 * undisturbed, nothing left to propose.
 */
export function createTour(loop: Loop, now: () => number): Tour {
  let chosen: ReturnType<typeof chooseRevocation> | null = null;
  const choice = () => {
    chosen ??= chooseRevocation(loop, now());
    return chosen;
  };
  const walk: Walk = { loop, now, choice, merge: null };
  const steps = stations.map(
    ({ title, at, run }): Step => ({ title, at, run: (...tell) => run(walk, ...tell) }),
  );
  return { steps, took: () => walk.merge?.took ?? null };
}

async function seeAllowed(walk: Walk, print: Print, begin: Print): Promise<void> {
  const { call } = walk.choice();
  begin('asking as one whose access is about to end');
  print(`${call.login} may ${call.operation} at ${call.api}, by grant ${call.grant.id}:`);
  const allowed = await ask(walk);
  print(`GET ${call.path} → ${allowed.status} ${allowed.text.slice(0, 100)} …`);
  hold(
    allowed.status === 200,
    `the grant ${call.grant.id} should still allow the request, it answered ${allowed.status}`,
  );
}

async function seeProposal({ choice }: Walk, print: Print): Promise<void> {
  const { pull } = choice();
  print(pull.title);
  print(pull.url);
}

async function mergeUnderLoad(walk: Walk, print: Print, begin: Print): Promise<void> {
  const { loop, now } = walk;
  const { pull } = walk.choice();
  begin('merging it, while others go on calling');
  const others = everybodyElse(loop, now());
  hold(others.length >= 5, 'too few grants remain to put a steady load on');
  const load = startSteadyLoad({ gateway: loop.gateway, calls: others, tokens: loop.tokens, everyMs: 10 });
  try {
    await pause(500);
    const since = performance.now();
    const commit = await loop.forge.merge(pull.number);
    begin('waiting until the gateway enforces the merge');
    const { denied, problem } = await firstDenial(() => ask(walk), since);
    const took = performance.now() - since;
    print(`Merged as ${commit.slice(0, 7)}; ${Math.round(took)} ms later the same request is refused:`);
    print(`${denied.status} ${denied.type} ${denied.text}`);
    hold(denied.type === 'application/problem+json', 'a denial should be problem+json');
    await pause(500);
    walk.merge = { commit, took, problem, others: await load.stop() };
  } finally {
    await load.stop();
  }
}

async function seeRecord(walk: Walk, print: Print): Promise<void> {
  const { loop } = walk;
  const { commit, problem } = mergeOf(walk);
  const record = findRecord(loop.folder, problem.decision_id ?? '');
  hold(record !== null, 'the denial should be on record');
  const { revision } = record.bundles.grantgate;
  print(`Its decision record: revision ${revision.slice(0, 7)}, reason ${record.result.reason}`);
  print(JSON.stringify(record));
  hold(revision === commit, 'the record should name the merged revision');
  hold(
    !record.result.allow && record.result.reason === problem.code,
    'the record should give the reason of the answer',
  );
  const log = await git(loop.repository, ['log', '-1', '--format=%h %s', commit]);
  print(`the commit: ${log.toString().trim()}`);
}

async function seeOthers(walk: Walk, print: Print): Promise<void> {
  const { others } = mergeOf(walk);
  print(
    `Meanwhile ${others.callers} others sent ${others.requests} requests: ${others.failures.length} failed, the slowest took ${Math.round(others.slowestMs)} ms`,
  );
  hold(others.failures.length === 0, `others were disturbed: ${others.failures.slice(0, 3).join('; ')}`);
  hold(others.requests > 50, 'the steady load was no load');
}

async function reviewAgain({ loop, choice }: Walk, print: Print, begin: Print): Promise<void> {
  const { call } = choice();
  begin('running a second review');
  const again = await loop.review();
  hold(again.error === null, `the second review should succeed: ${again.error?.message}`);
  const changed = again.pulls.filter(({ action }) => action === 'opened' || action === 'updated');
  print(
    `A second review: ${again.plan.findings.length} findings left, all proposed already; ${changed.length} pull requests opened or updated`,
  );
  hold(
    changed.length === 0,
    `the second review should change nothing, it touched ${changed.map(({ url }) => url).join(', ')}`,
  );
  hold(
    again.plan.findings.every(({ grant }) => grant !== call.grant.id),
    'the merged finding should be gone',
  );
}

function mergeOf({ merge }: Walk): NonNullable<Walk['merge']> {
  hold(merge !== null, 'the pull request should be merged first');
  return merge;
}

/** The request that the chosen grant allows, sent now. */
async function ask({ loop, choice }: Walk): Promise<Answer> {
  const { call } = choice();
  const headers = { authorization: `Bearer ${loop.tokens[call.login]}` };
  const response = await fetch(`${loop.gateway}${call.path}`, { headers });
  const type = response.headers.get('content-type');
  return { status: response.status, type, text: await response.text() };
}

async function firstDenial(ask: () => Promise<Answer>, since: number) {
  let cut = false;
  while (performance.now() - since < 120_000) {
    let denied: Answer;
    try {
      denied = await ask();
    } catch (error) {
      // Of the last answer that has begun when access ends the connection is cut; of no other one.
      if (cut) throw error;
      cut = true;
      continue;
    }
    if (denied.status === 403) {
      const problem = JSON.parse(denied.text) as Problem;
      // The last one allowed may have been under way still; it was ended, not denied.
      if (problem.code !== 'access-ended') return { denied, problem };
    }
    await pause(5);
  }
  throw new TourError('the merge was not enforced within 2 minutes');
}

function findRecord(folder: string, id: string): DecisionRecord | null {
  const home = join(folder, 'decisions', 'gw-demo');
  for (const name of readdirSync(home).filter((file) => file.endsWith('.ndjson'))) {
    const line = readFileSync(join(home, name), 'utf8')
      .split('\n')
      .find((text) => id !== '' && text.includes(id));
    if (line !== undefined) return JSON.parse(line) as DecisionRecord;
  }
  return null;
}
