import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from '../../bundle/git/git.ts';
import type { DecisionRecord } from '../../gateway/record/record.ts';
import type { DemoPull, Loop } from '../startLoop.ts';
import { type Callable, callable } from './callable.ts';
import { startSteadyLoad } from './steadyLoad.ts';

type Load = ReturnType<typeof startSteadyLoad>;

export type Print = (line: string) => void;
type Answer = { status: number; type: string | null; text: string };
type Problem = { code?: string; decision_id?: string };
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** What did not hold, in one sentence. */
export class TourError extends Error {
  override readonly name = 'TourError';
}

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

/**
 * The loop once, step by step, each after the one before it: allowed, merged, denied, recorded, everybody else
 * undisturbed, nothing left to propose.
 */
export function createTour(loop: Loop, now: () => number): Tour {
  type Merge = { commit: string; took: number; problem: Problem; others: Awaited<ReturnType<Load['stop']>> };
  let chosen: ReturnType<typeof chooseRevocation> | null = null;
  let merge: Merge | null = null;
  const choice = () => {
    chosen ??= chooseRevocation(loop, now());
    return chosen;
  };
  const merged = () => merge ?? fail('the pull request should be merged first');
  const ask = async (): Promise<Answer> => {
    const { call } = choice();
    const headers = { authorization: `Bearer ${loop.tokens[call.login]}` };
    const response = await fetch(`${loop.gateway}${call.path}`, { headers });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  };
  const steps: Step[] = [
    {
      title: 'Somebody is allowed, by a grant that is about to go',
      at: ['grants', 'bundle', 'gateway'],
      async run(print, begin) {
        const { call } = choice();
        begin('asking as one whose access is about to end');
        print(`${call.login} may ${call.operation} at ${call.api}, by grant ${call.grant.id}:`);
        const allowed = await ask();
        print(`GET ${call.path} → ${allowed.status} ${allowed.text.slice(0, 100)} …`);
        hold(
          allowed.status === 200,
          `the grant ${call.grant.id} should still allow the request, it answered ${allowed.status}`,
        );
      },
    },
    {
      title: 'The reviewer proposes to take it away',
      at: ['reviewer', 'pull request'],
      async run(print) {
        const { pull } = choice();
        print(pull.title);
        print(pull.url);
      },
    },
    {
      title: 'It is merged, and the same request is refused',
      at: ['pull request', 'grants', 'bundle', 'gateway'],
      async run(print, begin) {
        const { pull } = choice();
        begin('merging it, while others go on calling');
        const others = everybodyElse(loop, now());
        hold(others.length >= 5, 'too few grants remain to put a steady load on');
        const load = startSteadyLoad({
          gateway: loop.gateway,
          calls: others,
          tokens: loop.tokens,
          everyMs: 10,
        });
        try {
          await pause(500);
          const since = performance.now();
          const commit = await loop.forge.merge(pull.number);
          begin('waiting until the gateway enforces the merge');
          const { denied, problem } = await firstDenial(ask, since);
          const took = performance.now() - since;
          print(`Merged as ${commit.slice(0, 7)}; ${Math.round(took)} ms later the same request is refused:`);
          print(`${denied.status} ${denied.type} ${denied.text}`);
          hold(denied.type === 'application/problem+json', 'a denial should be problem+json');
          await pause(500);
          merge = { commit, took, problem, others: await load.stop() };
        } finally {
          await load.stop();
        }
      },
    },
    {
      title: 'The denial is on record',
      at: ['gateway', 'records'],
      async run(print) {
        const { commit, problem } = merged();
        const record = findRecord(loop.folder, problem.decision_id ?? '');
        hold(record !== null, 'the denial should be on record');
        print(
          `Its decision record: revision ${record.bundles.grantgate.revision.slice(0, 7)}, reason ${record.result.reason}`,
        );
        print(JSON.stringify(record));
        hold(record.bundles.grantgate.revision === commit, 'the record should name the merged revision');
        hold(
          !record.result.allow && record.result.reason === problem.code,
          'the record should give the reason of the answer',
        );
        const log = await git(loop.repository, ['log', '-1', '--format=%h %s', commit]);
        print(`the commit: ${log.toString().trim()}`);
      },
    },
    {
      title: 'Nobody else was disturbed',
      at: ['gateway'],
      async run(print) {
        const { others } = merged();
        print(
          `Meanwhile ${others.callers} others sent ${others.requests} requests: ${others.failures.length} failed, the slowest took ${Math.round(others.slowestMs)} ms`,
        );
        hold(
          others.failures.length === 0,
          `others were disturbed: ${others.failures.slice(0, 3).join('; ')}`,
        );
        hold(others.requests > 50, 'the steady load was no load');
      },
    },
    {
      title: 'A second review has nothing to add',
      at: ['records', 'reviewer'],
      async run(print, begin) {
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
      },
    },
  ];
  return { steps, took: () => merge?.took ?? null };
}

function fail(sentence: string): never {
  throw new TourError(sentence);
}

const removals: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend']);

/** The first open pull request that takes away a grant which somebody can use at this moment, and by no other. */
function chooseRevocation(loop: Loop, now: number): { pull: DemoPull; call: Callable } {
  for (const { grant: id, action } of loop.plan.findings) {
    const pull = loop.pulls.find(({ grants }) => grants.includes(id));
    const grant = loop.organisation.grants.find((candidate) => candidate.id === id);
    if (pull === undefined || grant === undefined || !removals.has(action)) continue;
    const call = callable(loop.organisation, grant, now / 1000);
    if (call !== null && !coveredOtherwise(loop, call)) return { pull, call };
  }
  throw new TourError('no pull request takes away a grant that is in use');
}

/** Whether the caller could do the same by a second grant: then taking the first away changes nothing to see. */
function coveredOtherwise({ organisation }: Loop, { login, grant, operation }: Callable): boolean {
  const holders = new Set([`user:${login}`, ...(organisation.memberships.get(`user:${login}`) ?? [])]);
  return organisation.grants.some(
    ({ id, api, principal, covers }) =>
      id !== grant.id && api === grant.api && holders.has(principal) && covers.includes(operation),
  );
}

/** Up to 40 healthy grants, each with a request that it alone or another healthy one allows. */
function everybodyElse({ organisation, pulls }: Loop, now: number): Callable[] {
  const proposed = new Set(pulls.flatMap(({ grants }) => grants));
  const calls: Callable[] = [];
  for (const grant of organisation.grants) {
    if (proposed.has(grant.id) || grant.limits !== undefined) continue;
    const call = callable(organisation, grant, now / 1000);
    if (call !== null) calls.push(call);
  }
  return calls.slice(0, 40);
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
