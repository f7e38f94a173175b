import { toldIn } from '../asking/told.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { parseBranch } from '../pulls/text/branch.ts';
import { stopIfAborted } from '../reviewError.ts';

/** Who was told of what, as a comment shows it; `at`: seconds since 1970. */
export type Told = { key: string; who: readonly string[]; text: string; by: string; at: number };

/** What people were told of on one pull request of the review, and whose it is. */
export type PullTold = { owner: string; number: number; told: readonly Told[] };

/** What comments on a pull request told of until an instant, seconds since 1970. Throws ForgeError. */
export async function toldOf(forge: Pick<Forge, 'comments'>, number: number, until: number): Promise<Told[]> {
  return (await forge.comments(number)).flatMap(({ body, author, atMs }) => {
    const told = toldIn(body);
    return told === null || atMs / 1000 > until ? [] : [{ ...told, by: author, at: atMs / 1000 }];
  });
}

/**
 * Of the pull requests of the review that were open in a period what was told in it; oldest first. Instants in seconds since
 * 1970. Throws ForgeError, ReviewError `aborted`.
 */
export async function toldWithin(
  forge: Pick<Forge, 'comments'>,
  pulls: readonly ForgePull[],
  period: { from: number; to: number },
  signal?: AbortSignal,
): Promise<PullTold[]> {
  const found: PullTold[] = [];
  for (const { number, branch, createdMs } of pulls.toSorted((a, b) => a.number - b.number)) {
    const owner = parseBranch(branch)?.owner;
    if (owner === undefined || createdMs / 1000 >= period.to) continue;
    stopIfAborted(signal);
    // The end of a period is no part of it.
    const told = (await toldOf(forge, number, period.to)).filter(
      ({ at }) => at >= period.from && at < period.to,
    );
    found.push({ owner, number, told });
  }
  return found;
}
