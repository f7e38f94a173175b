import type { Tree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { ReviewError } from '../reviewError.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { type GrantHistory, grantHistory } from './history.ts';
import { readUsage, type Usage } from './usage.ts';

/** Everything a review judges by, as of one instant (seconds since 1970). */
export type Evidence = {
  asOf: number;
  tree: Tree;
  organisation: Organisation;
  /** Where the evidence begins that the plan speaks of: the longest window without a cadence. */
  from: number;
  usage: Usage;
  coverage: Coverage;
  /** For the grants whose findings depend on it. */
  history: ReadonlyMap<string, GrantHistory>;
};

type Options = {
  tree: Tree;
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  asOf: number;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

/**
 * Reads grants, directories, decision records and history. Throws ReviewError `grants-invalid` with every problem,
 * `directory-incomplete` (a short read would make orphans of people), and what reading the records throws; GitError.
 */
export async function gather({ tree, decisions, asOf, signal, progress }: Options): Promise<Evidence> {
  const { organisation, problems } = await load(tree);
  if (organisation === null) {
    const lines = problems.map(
      ({ file, line, column, message }) => `\n  ${file}:${line}:${column}: ${message}`,
    );
    throw new ReviewError('grants-invalid', `the grants have ${problems.length} problems:${lines.join('')}`);
  }
  const short = organisation.directories.filter(({ complete }) => !complete);
  if (short.length > 0)
    throw new ReviewError(
      'directory-incomplete',
      `${short.map(({ file }) => file).join(', ')}: the identity sync did not read every page ("complete: false"), so nobody can be told missing or disabled; run the sync again`,
    );

  const { never_used, dormant, over_privileged } = organisation.review.thresholds;
  const from = asOf - 86_400 * Math.max(never_used.days, dormant.days, over_privileged.days);
  progress?.('reading decision records');
  const usage = await readUsage({ sources: decisions, asOf, since: from, signal });
  progress?.(
    `${usage.files} files, ${usage.records} records since ${new Date(from * 1000).toISOString().slice(0, 10)}${usage.torn > 0 ? `, ${usage.torn} torn last lines` : ''}`,
  );
  const asked = organisation.grants.filter(
    (grant) => grant.state === 'suspended' || grant.review?.until !== undefined,
  );
  return {
    asOf,
    tree,
    organisation,
    from,
    usage,
    coverage: coverageOf(usage.instances),
    history: await grantHistory(tree, asked, asOf),
  };
}
