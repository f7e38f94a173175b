import { daySeconds, instantOf } from '../../bundle/format/times.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import type { Mirror } from '../pulls/mirror.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { answerPart } from './answerPart.ts';
import { campaignPrefix, type Frozen, partBranch } from './frozen.ts';
import { readIssue, renderIssue, writeIssue } from './issue.ts';
import { partRemembered } from './marker.ts';
import { type Pace, paced } from './pace.ts';
import type { Base } from './preparePart.ts';
import { type Attested, type Report, reportOf } from './report.ts';
import { type Part, partsOfCampaign } from './rows.ts';
import { latest, type PartResult, settlePart, stateOf } from './settlePart.ts';

type Options = {
  forge: Forge;
  approvals: (number: number, head: string) => Promise<readonly string[]>;
  mirror: Mirror;
  frozen: Frozen;
  base: Base;
  pace: Pace;
  /** Seconds since 1970. */
  asOf: number;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

export type Advanced = {
  report: Report;
  results: readonly PartResult[];
  writes: number;
  error: (Error & { code: string }) | null;
};

/** What opening one takes: creating it, the commit's status, asking, labels. */
const writesToOpen = ['notice', 'write', 'notice', 'write'] as const;
/** Without a token that is taken, within limits, there is nothing to be done for anybody. */
const endsRun = (error: unknown): error is ForgeError | ReviewError =>
  (error instanceof ForgeError && /^forge-(?:unauthorized|limited)$/.test(error.code)) ||
  (error instanceof ReviewError && error.code === 'aborted');
const isOurs = (error: unknown): error is ForgeError | ReviewError =>
  error instanceof ForgeError || error instanceof ReviewError;

/**
 * Brings a campaign as far as it can be today: opens what is not open, keeps what is in line with the base, reminds, asks
 * others, does what the rules say of no answer, and writes how it stands. Whatever ends a run, the next one goes on; one
 * where nothing is to be done changes nothing. What fails for one owner holds up nobody else, and is in `error`.
 */
export async function advance(options: Options): Promise<Advanced> {
  const { approvals, mirror, frozen, base, pace, asOf, signal, progress } = options;
  const forge = paced(options.forge, pace);
  let known: readonly ForgePull[] = await listParts(forge, frozen);
  const parts = partsOfCampaign(frozen);
  const results: PartResult[] = [];
  const opening = parts.filter(({ owner }) => !hasPull(known, frozen, owner)).length;
  let issue = await readIssue(forge, frozen.name);
  if (opening > 0) {
    const ready = instantOf(pace.doneAt(Array.from({ length: opening }, () => writesToOpen).flat()) / 1000);
    progress?.(`${opening} pull requests to open, done about ${ready}`);
    if (issue === null) {
      const report = reportOf(frozen, { results: waiting(parts, frozen), attested: new Map(), base, asOf });
      const body = renderIssue(frozen, report, ready);
      issue = await writeIssue(forge, issue, { name: frozen.name, body, finished: false });
    }
  }
  let error: Advanced['error'] = null;
  for (const part of parts) {
    let result: PartResult;
    try {
      stopIfAborted(signal);
      known = await withAnswers(part, known, { forge, mirror, frozen, base });
      result = await settlePart(part, { forge, approvals, mirror, frozen, base, known, asOf });
    } catch (caught) {
      if (!isOurs(caught)) throw caught;
      error ??= caught;
      if (endsRun(caught)) {
        error = caught;
        break;
      }
      result = failed(part, frozen, known, caught);
    }
    results.push(result);
    if (result.action !== 'unchanged') progress?.(`${result.action} ${result.url ?? result.branch}`);
  }
  const attested = await attestations(results, known, forge).catch((caught: unknown) => {
    if (!isOurs(caught)) throw caught;
    error ??= caught;
    return new Map<string, Attested>();
  });
  const report = reportOf(frozen, { results, attested, base, asOf });
  if (error === null || !endsRun(error)) {
    const body = renderIssue(frozen, report, null);
    try {
      await writeIssue(forge, issue, { name: frozen.name, body, finished: report.finished });
    } catch (caught) {
      if (!isOurs(caught)) throw caught;
      error ??= caught;
    }
  }
  return { report, results, writes: pace.writes(), error };
}

type On = Pick<Options, 'forge' | 'mirror' | 'frozen' | 'base'>;

/**
 * The pull requests once it is carried out what comments on a part ask for that no other run got to: whoever is told of each
 * may have failed on it, and workflows are not told of those in reviews.
 */
async function withAnswers(
  { owner }: Part,
  known: readonly ForgePull[],
  on: On,
): Promise<readonly ForgePull[]> {
  const branch = partBranch(on.frozen.name, owner);
  const pull = latest(known.filter((one) => one.branch === branch));
  // A text that somebody else has changed is written anew, and its comments are heard then.
  if (pull?.state !== 'open' || !pull.isOurs) return known;
  const { handled } = await answerPart({ ...on, number: pull.number });
  if (handled === 0) return known;
  const now = await on.forge.getPull(pull.number);
  return known.map((one) => (one.number === now.number ? now : one));
}

/** All pull requests of a campaign. */
export const listParts = (forge: Pick<Forge, 'listPulls'>, { name, opened }: Frozen): Promise<ForgePull[]> =>
  forge.listPulls(campaignPrefix(name), (startOf(opened) - daySeconds) * 1000);

/** How parts stand by their pull requests alone. */
export function viewParts(frozen: Frozen, known: readonly ForgePull[]): PartResult[] {
  return partsOfCampaign(frozen).map((part) => {
    const at = nowhere(part, frozen);
    const pull = latest(known.filter(({ branch }) => branch === at.branch));
    const { number = null, url = null } = pull ?? {};
    const state = pull === undefined ? 'waiting' : stateOf(pull);
    return { ...at, number, url, state, action: 'unchanged' };
  });
}

const hasPull = (known: readonly ForgePull[], { name }: Frozen, owner: string) => {
  const branch = partBranch(name, owner);
  return known.some((pull) => pull.branch === branch);
};

const nowhere = ({ owner, entries }: Part, { name }: Frozen) => ({
  ...{ owner, branch: partBranch(name, owner), grants: entries.length, number: null, url: null },
});
const waiting = (parts: readonly Part[], frozen: Frozen): PartResult[] =>
  parts.map((part) => ({ ...nowhere(part, frozen), state: 'waiting', action: 'unchanged' }));

function failed(part: Part, frozen: Frozen, known: readonly ForgePull[], { message }: Error): PartResult {
  const at = nowhere(part, frozen);
  const pull = known.find(({ branch }) => branch === at.branch);
  const { number = null, url = null } = pull ?? {};
  return { ...at, number, url, state: 'failed', action: 'failed', reason: message };
}

/** Who merged what and when, and who had approved that very commit. */
export async function attestations(
  results: readonly PartResult[],
  known: readonly ForgePull[],
  forge: Pick<Forge, 'mergeOf'>,
): Promise<Map<string, Attested>> {
  const found = new Map<string, Attested>();
  for (const { owner, number, state } of results) {
    const pull = known.find((one) => one.number === number);
    if (state !== 'merged' || pull === undefined) continue;
    const merge = await forge.mergeOf(pull.number);
    if (merge === null) continue;
    const at = instantOf(merge.mergedMs / 1000);
    const approved = merge.approvals.map(({ login }) => login);
    const answers = partRemembered(pull)?.answers ?? [];
    found.set(owner, { by: merge.mergedBy, at, approved, answers });
  }
  return found;
}
