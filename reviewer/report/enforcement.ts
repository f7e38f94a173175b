import { branchLine } from '../../bundle/git/branchLine.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { turnsOf } from '../../bundle/git/turnsOf.ts';
import type { Usage } from '../evidence/usage.ts';

/**
 * When gateways enforced commits, as their records show it: a gateway's first decision by a commit or one after it. It
 * may have loaded it earlier, and never later.
 */
export type Enforcement = {
  /** Gateways that have records, sorted. */
  instances: readonly string[];
  /** The commits that they decided by. */
  seen: ReadonlySet<string>;
  /** Of each gateway, seconds since 1970; null where no record shows it. */
  of(commit: string, at: number): { instance: string; at: number | null }[];
};

/** Puts what records show beside the branch. Throws GitError, and what asking the usage throws. */
export async function readEnforcement(tree: Tree, usage: Pick<Usage, 'revisions'>): Promise<Enforcement> {
  const shown = await usage.revisions();
  const seen = new Set(shown.map(({ revision }) => revision));
  const places = await placesOf(tree, seen);
  const first = new Map<string, { place: number; at: number }[]>();
  for (const { instance, revision, at } of shown) {
    const seen = first.get(instance) ?? [];
    first.set(instance, seen);
    const place = places.get(revision);
    if (place !== undefined) seen.push({ place, at });
  }
  const instances = [...first.keys()].sort();
  return {
    instances,
    seen,
    of(commit, at) {
      const place = places.get(commit);
      return instances.map((instance) => {
        const some = (first.get(instance) ?? []).filter(
          (one) => place !== undefined && one.place >= place && one.at >= at,
        );
        return { instance, at: some.length === 0 ? null : Math.min(...some.map((one) => one.at)) };
      });
    },
  };
}

/** Commit → how many the branch was at before. */
async function placesOf(tree: Tree, seen: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  if (tree.revision === null) return new Map();
  const line = await branchLine(tree.root, tree.revision, await turnsOf(tree, seen));
  return new Map(line.reverse().map((commit, index) => [commit, index]));
}
