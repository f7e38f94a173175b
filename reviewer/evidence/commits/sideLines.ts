import { inOrder, type LoggedCommit } from './commitLog.ts';

/**
 * When a commit on a merged branch took effect at the latest, when its branch began, and when and by which commit of the line
 * it was merged.
 */
export type Side = { at: number; forkedAt: number; mergedAt: number; merge: string };

/**
 * Of commits (oldest first, all that lead to one another) those that are not on the line of first parents, `line`. What
 * the branch itself merged is as late as that: it may have been what was enforced, and then nothing held before.
 */
export function sideLines(
  commits: readonly LoggedCommit[],
  line: ReadonlySet<string>,
  asOf: number,
): Map<string, Side> {
  const byId = new Map(commits.map((one) => [one.commit, one]));
  const along = inOrder(
    commits.filter(({ commit }) => line.has(commit)),
    asOf,
  );
  const ats = new Map(along.map(({ commit, at }) => [commit, at]));
  const sides = new Map<string, Side>();
  for (const { commit: merge, at: mergedAt, parents } of along) {
    const bring = (commit: string, at: number, forkedAt: number) => {
      sides.set(commit, { at: Math.min(at, mergedAt), forkedAt, mergedAt, merge });
      ats.set(commit, Math.min(at, mergedAt));
    };
    for (const parent of parents) {
      const branch: LoggedCommit[] = [];
      let one = byId.get(parent);
      for (; one !== undefined && !ats.has(one.commit); one = byId.get(one.parents[0] ?? ''))
        branch.push(one);
      const forkedAt = ats.get(one?.commit ?? '') ?? Number.NEGATIVE_INFINITY;
      let latest = forkedAt;
      for (const { commit, at, parents: merged } of branch.toReversed()) {
        const inner = new Set<string>();
        const left = merged.slice(1);
        for (let id = left.pop(); id !== undefined; id = left.pop()) {
          // What the line had sooner may be of a clock that was ahead of this one's.
          latest = Math.max(latest, ats.get(id) ?? latest);
          if (!byId.has(id) || ats.has(id) || inner.has(id)) continue;
          inner.add(id);
          left.push(...(byId.get(id)?.parents ?? []));
        }
        latest = [...inner].reduce(
          (most, id) => Math.max(most, byId.get(id)?.at ?? most),
          Math.max(latest, at),
        );
        for (const id of [...inner, commit]) bring(id, latest, forkedAt);
      }
    }
  }
  return sides;
}
