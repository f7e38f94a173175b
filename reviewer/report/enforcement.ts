import { firstParentLine } from '../../bundle/git/firstParentLine.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Usage } from '../evidence/usage.ts';

/**
 * When gateways enforced commits, as their records show it: a gateway's first decision by a commit or one after it. It
 * may have loaded it earlier, and never later.
 */
export type Enforcement = {
  /** Gateways that have records, sorted. */
  instances: readonly string[];
  /** Of each gateway, seconds since 1970; null where no record shows it. */
  of(commit: string, at: number): { instance: string; at: number | null }[];
};

/** Puts what records show beside the branch. Throws GitError, and what asking the usage throws. */
export async function readEnforcement(tree: Tree, usage: Pick<Usage, 'revisions'>): Promise<Enforcement> {
  const places = await placesOf(tree);
  const first = new Map<string, { place: number; at: number }[]>();
  for (const { instance, revision, at } of await usage.revisions()) {
    const seen = first.get(instance) ?? [];
    first.set(instance, seen);
    const place = places.get(revision);
    if (place !== undefined) seen.push({ place, at });
  }
  const instances = [...first.keys()].sort();
  return {
    instances,
    of(commit, at) {
      const place = places.get(commit);
      return instances.map((instance) => {
        const shown = (first.get(instance) ?? []).filter(
          (one) => place !== undefined && one.place >= place && one.at >= at,
        );
        return { instance, at: shown.length === 0 ? null : Math.min(...shown.map((one) => one.at)) };
      });
    },
  };
}

/** Commit → how many come before it along first parents. */
async function placesOf({ root, revision }: Tree): Promise<ReadonlyMap<string, number>> {
  if (revision === null) return new Map();
  const line = await firstParentLine(root, revision);
  return new Map(line.reverse().map((commit, index) => [commit, index]));
}
