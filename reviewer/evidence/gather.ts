import { dayOf, daySeconds } from '../../bundle/format/times.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import { membersOf } from '../../bundle/grants/memberships.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { organisationOf } from '../organisationOf.ts';
import { ReviewError } from '../reviewError.ts';
import { type LoggedCommit, lineLog } from './commits/commitLog.ts';
import { readAsides } from './commits/readAsides.ts';
import { readCommits } from './commits/readCommits.ts';
import { type Coverage, coverageOf, type Span } from './coverage.ts';
import type { DirectoryHistory } from './directory/lookUpIn.ts';
import { createDirectoryHistory } from './directoryHistory.ts';
import { createGrantHistory } from './grantHistory.ts';
import { asDated } from './grants/asDated.ts';
import type { GrantHistory } from './grants/notes.ts';
import { type KeptUsage, openKept, readUsage, type Usage } from './usage.ts';

/** What Git tells, from one pass over it. */
export type History = {
  /** Of a grant; null where Git does not know it. */
  of(grant: string): GrantHistory | null;
  directories: DirectoryHistory;
  /** Commits along first parents that changed grants, APIs or directories, oldest first. */
  log: readonly LoggedCommit[];
  /**
   * Where it begins, seconds since 1970: what grants were before nobody can tell, whether a clone is shallow, the
   * history was written anew, a part of it is damaged, or the files came from elsewhere. Null outside Git.
   */
  from: number | null;
};

/** Everything a review judges by, as of one instant (seconds since 1970). */
export type Evidence = {
  asOf: number;
  tree: Tree;
  organisation: Organisation;
  /** Group (`group:NAME`) → whom it reaches. */
  members: ReadonlyMap<string, readonly string[]>;
  /** Where the evidence begins that the plan speaks of: the longest window without a cadence. */
  from: number;
  usage: Usage;
  coverage: Coverage;
  history: History;
  /** People and groups that no directory has, and tokens brought since, or in the longest window: folded name → when last. */
  brought: ReadonlyMap<string, number>;
};

type Options = {
  tree: Tree;
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  /** The same of gateways' roll-ups by day. */
  rollups?: readonly string[] | undefined;
  /** What should have been there besides and could not be had. */
  unreachable?: readonly { file: string; reason: string }[] | undefined;
  asOf: number;
  /** As of {@link readUsage}. */
  readAt?: number | undefined;
  /** What was read of all that already, up to that instant. */
  kept?: KeptUsage | undefined;
  signal?: AbortSignal | undefined;
  progress?: Progress;
};
type Progress = ((line: string) => void) | undefined;

/**
 * Reads grants, directories, decision records and history. The usage is to be closed. Throws ReviewError `grants-invalid`
 * with every problem, `directory-incomplete` (a short read would make orphans of people), and what reading the records
 * throws; GitError.
 */
export async function gather(options: Options): Promise<Evidence> {
  const { tree, decisions, rollups, unreachable = [], asOf, readAt, kept, signal, progress } = options;
  // Threads of its own read the records, so that is under way while the grants and their history are read here.
  const ending = new AbortController();
  const since = Promise.withResolvers<number>();
  const either = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  const reading =
    kept === undefined
      ? readUsage({ sources: decisions, rollups, asOf, readAt, since: since.promise, signal: either })
      : openKept(kept, since.promise, either);
  const settled = Promise.allSettled([reading, since.promise]);
  try {
    const written = await readOrganisation(tree);
    progress?.('reading the history of grants');
    const { organisation, history } = await readHistory(tree, written, asOf);
    const { never_used, dormant, over_privileged } = organisation.review.thresholds;
    const from = asOf - daySeconds * Math.max(never_used.days, dormant.days, over_privileged.days);
    since.resolve(from);
    progress?.('reading decision records');
    const read = await reading;
    const usage = { ...read, unreadable: [...read.unreadable, ...unreachable] };
    reportUsage(usage, from, progress);
    const members = membersOf(organisation);
    const coverage = coverageIn(usage, organisation);
    const brought = await broughtSince(history.directories, usage, { organisation, asOf, from });
    return { asOf, tree, organisation, members, from, usage, coverage, history, brought };
  } catch (error) {
    ending.abort();
    since.reject(error);
    await settled;
    throw error;
  }
}

async function readOrganisation(tree: Tree): Promise<Organisation> {
  const organisation = await organisationOf(tree);
  const short = organisation.directories.filter(({ complete }) => !complete);
  if (short.length > 0)
    throw new ReviewError(
      'directory-incomplete',
      `${short.map(({ file }) => file).join(', ')}: the identity sync did not read every page ("complete: false"), so nobody can be told missing or disabled; run the sync again`,
    );
  return organisation;
}

/** Of those that no directory has whom tokens brought: whose word decides of them is the issuer's. */
async function broughtSince(
  { missing }: DirectoryHistory,
  usage: Usage,
  { organisation, asOf, from }: Pick<Evidence, 'organisation' | 'asOf' | 'from'>,
): Promise<ReadonlyMap<string, number>> {
  if (missing.size === 0) return missing;
  const held = organisation.grants.map(({ id, principal }) => ({ key: fold(principal), grant: id }));
  const named = [...missing.keys()].map((key) => ({ key, grant: '' }));
  const asked = [...named, ...held.filter(({ key }) => missing.has(key))];
  const last = await usage.brought(asked, asOf);
  // Who comes once a week has not come yet since a directory lost them.
  return new Map([...last].filter(([name, at]) => at >= Math.min(missing.get(name) ?? at, from)));
}

function reportUsage(
  { files, records, torn, unreadable, faulty }: Usage,
  from: number,
  progress: Progress,
): void {
  const cut = torn > 0 ? `, ${torn} torn last lines` : '';
  progress?.(`${files} files, ${records} records since ${dayOf(from)}${cut}`);
  for (const { file, reason } of unreadable)
    progress?.(`${file} cannot be read, its time is not covered: ${reason}`);
  for (const { instance, day, reason } of faulty)
    progress?.(`the roll-up of ${instance} for ${day} covers nothing: ${reason}`);
}

/** How much of any window the records vouch for, by what the rules say of gateways. */
export function coverageIn(
  { instances, unreadable }: Pick<Usage, 'instances' | 'unreadable'>,
  { review: { evidence } }: Pick<Organisation, 'review'>,
): Coverage {
  return coverageOf(instances, {
    presumedGoneDays: evidence.presumed_gone_days,
    instances: evidence.instances,
    retired: evidence.retired.map(({ instance, at }) => ({ instance, at: startOf(at) })),
    unreadable: unreadable.map(({ file }) => daySpan(file)),
  });
}

/** The minutes that a file is about, by its name; all of them when it does not say. */
function daySpan(file: string): Span {
  const day = /(\d{4}-\d{2}-\d{2})(?:-\d+)?\.ndjson(?:\.gz|\.zst)?$/.exec(file)?.[1];
  const from = day === undefined ? Number.NaN : Date.parse(`${day}T00:00:00Z`) / 60_000;
  return Number.isNaN(from)
    ? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
    : { from: from - 1, to: from + 1441 };
}

const startOfDay = (seconds: number) => seconds - (seconds % daySeconds);

/**
 * Follows grants and directories through Git once, for all of them; and once more where the days that some grants name are
 * not those that count, as who somebody was on such a day is looked up on the way. The organisation with those that do.
 */
async function readHistory(
  tree: Tree,
  written: Organisation,
  asOf: number,
): Promise<{ organisation: Organisation; history: History }> {
  const history = await followHistory(tree, written, asOf);
  const organisation = asDated(written, history, asOf);
  if (organisation === written) return { organisation, history };
  return { organisation, history: await followHistory(tree, organisation, asOf) };
}

async function followHistory(tree: Tree, organisation: Organisation, asOf: number): Promise<History> {
  const grants = createGrantHistory();
  const directories = createDirectoryHistory(organisation);
  let from: number | null = null;
  const log = lineLog(tree);
  const asides = readAsides(tree, asOf, log);
  let aside = await asides.next();
  const hearAsides = async (until: number) => {
    for (; aside.done !== true && aside.value.mergedAt <= until; aside = await asides.next()) {
      grants.aside(aside.value);
      directories.aside(aside.value);
    }
  };
  try {
    for await (const step of readCommits(tree, asOf, log)) {
      // A grant is given on a day, and committed in the course of it.
      if (tree.revision !== null) from ??= step.blind ? step.at : startOfDay(step.at);
      if (step.lost !== undefined) from = step.at;
      await hearAsides(step.at);
      grants.step(step);
      directories.step(step);
    }
    await hearAsides(asOf);
  } finally {
    await asides.return(undefined);
  }
  return { of: grants.end(), directories: directories.end(), log: await log, from };
}
