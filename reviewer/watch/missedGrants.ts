import { isActive } from '../../bundle/access/accountStatus.ts';
import { daySeconds } from '../../bundle/format/times.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { LoggedCommit } from '../evidence/commits/commitLog.ts';
import { type Denials, readDenials } from './denials.ts';
import { type Taken, takenSince } from './takenSince.ts';

/** How long after a merge denials are looked for. Seconds. */
export const watchedSeconds = 14 * daySeconds;

/** What somebody was denied that a grant had allowed before it was taken. */
export type Denied = { subject: string; operation: string; count: number; first: number; last: number };
export type Missed = Taken & { denied: readonly Denied[] };

/** Denials for these are about the caller or the request, whatever grants there are. */
const otherReasons: ReadonlySet<string> = new Set([
  'principal-unknown',
  'principal-inactive',
  'condition-not-met',
  'invalid-input',
]);

type Options = {
  tree: Pick<Tree, 'root'>;
  /** The tree's commits along first parents, oldest first. */
  log: readonly LoggedCommit[];
  organisation: Organisation;
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  /** Seconds since 1970. */
  asOf: number;
  signal?: AbortSignal | undefined;
};

/**
 * Finds grants that commits of the last 14 days took from people who are active, and who have since been denied what the
 * grant allowed. Whom no directory knows, or knows as gone, misses nothing. Throws GitError, ReviewError
 * `decisions-unreadable`.
 */
export async function missedGrants({
  tree,
  log,
  organisation,
  decisions,
  asOf,
  signal,
}: Options): Promise<Missed[]> {
  const since = asOf - watchedSeconds;
  const taken = await takenSince(tree, log, organisation, since);
  if (taken.length === 0) return [];
  const denials = await readDenials(decisions, {
    ...{
      since: Math.min(...taken.map(({ at }) => at)),
      asOf,
      apis: [...new Set(taken.map(({ api }) => api))],
    },
    ...(signal && { signal }),
  });
  return taken.flatMap((one) => {
    const denied = deniedBy(one, denials, organisation);
    return denied.length === 0 ? [] : [{ ...one, denied }];
  });
}

function deniedBy(taken: Taken, denials: readonly Denials[], organisation: Organisation): Denied[] {
  const found = new Map<string, Denied>();
  const holder = fold(taken.principal);
  for (const { subject, groups, api, operation, reason, regressed, count, first, last } of denials) {
    if (api !== taken.api || !taken.operations.includes(operation) || last < taken.at) continue;
    if (otherReasons.has(reason) || !isActive(subject, organisation)) continue;
    const own = [subject, ...(groups ?? organisation.memberships.get(subject) ?? [])].map(fold);
    if (!own.includes(holder) && !regressed.includes(taken.grant)) continue;
    const key = `${subject}\n${operation}`;
    const known = found.get(key);
    found.set(key, {
      subject,
      operation,
      count: count + (known?.count ?? 0),
      first: Math.min(first, known?.first ?? first),
      last: Math.max(last, known?.last ?? last),
    });
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.subject < b.subject ? -1 : 1));
}
