import { aheadOf, type ChangedFile, changedFiles } from '../git/compare.ts';
import type { Core } from './core.ts';
import { type MergeTree, mergeTree } from './merge.ts';
import type { PullIssue } from './state.ts';

export type PullFacts = {
  /** Null for a closed pull request, where GitHub computes none. */
  mergeable: boolean | null;
  conflicts: string[];
  /** What merging would give; null for a closed one and for unrelated histories. */
  merged: MergeTree | null;
  commits: number;
  additions: number;
  deletions: number;
  files: readonly ChangedFile[];
  /** The commit the files are compared with; null for unrelated histories. */
  mergeBase: string | null;
};

const cache = new WeakMap<Core, Map<string, Promise<PullFacts>>>();
const mostCached = 500;

/** The tip a pull request is compared with: the base branch as it is now, or as it was before the merge. */
export function comparedWith(core: Core, issue: PullIssue): string {
  const { base } = issue.pull;
  return issue.state === 'open' ? (core.refs.get(`refs/heads/${base.ref}`) ?? base.sha) : base.sha;
}

async function compute(core: Core, base: string, head: string, open: boolean): Promise<PullFacts> {
  const { common, trees } = await aheadOf(core.git, base, head);
  const merged = open && common !== base ? await mergeTree(core.git, base, head) : null;
  const [tree = ''] = trees;
  const files = common === null ? [] : await changedFiles(core.git, common, head);
  const sum = (key: 'additions' | 'deletions') => files.reduce((total, file) => total + file[key], 0);
  // What begins at the base is what a merge gives.
  const result = open && common === base && tree !== '' ? { tree, conflicts: [] } : merged;
  return {
    mergeable: open ? result !== null && result.conflicts.length === 0 : null,
    conflicts: result?.conflicts ?? [],
    merged: result,
    commits: trees.length,
    additions: sum('additions'),
    deletions: sum('deletions'),
    files,
    mergeBase: common,
  };
}

/** What Git says of a pull request. Both ends are commits, so an answer never goes stale and is kept. */
export function pullFacts(core: Core, issue: PullIssue): Promise<PullFacts> {
  const kept = cache.get(core) ?? new Map<string, Promise<PullFacts>>();
  cache.set(core, kept);
  const base = comparedWith(core, issue);
  const open = issue.state === 'open';
  const key = `${base} ${issue.pull.head.sha} ${open}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const facts = compute(core, base, issue.pull.head.sha, open);
  kept.set(key, facts);
  facts.catch(() => kept.delete(key));
  const oldest = kept.keys().next();
  if (kept.size > mostCached && !oldest.done) kept.delete(oldest.value);
  return facts;
}
