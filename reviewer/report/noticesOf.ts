import { type Given, givenIn } from '../asking/notice.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { parseBranch } from '../pulls/text/branch.ts';
import { stopIfAborted } from '../reviewError.ts';

/** A notice that the review gave, as its comment shows it; `at`: seconds since 1970. */
export type GivenNotice = Given & { by: string; at: number };

/** The notices on one pull request of the review, and whose it is. */
export type PullNotices = { owner: string; number: number; notices: readonly GivenNotice[] };

/** The notices that the review gave on a pull request until an instant, seconds since 1970. Throws ForgeError. */
export async function noticesOf(
  forge: Pick<Forge, 'comments'>,
  number: number,
  until: number,
): Promise<GivenNotice[]> {
  return (await forge.comments(number))
    .map((comment) => ({ comment, at: comment.atMs / 1000 }))
    .filter(({ at }) => at <= until)
    .flatMap(({ comment, at }) =>
      givenIn([comment]).map((notice) => ({ ...notice, by: comment.author, at })),
    );
}

/**
 * Of the pull requests of the review that were open in a period the notices that were given in it; oldest first. Instants in
 * seconds since 1970. Throws ForgeError, ReviewError `aborted`.
 */
export async function noticesWithin(
  forge: Pick<Forge, 'comments'>,
  pulls: readonly ForgePull[],
  period: { from: number; to: number },
  signal?: AbortSignal,
): Promise<PullNotices[]> {
  const found: PullNotices[] = [];
  for (const { number, branch, createdMs } of pulls.toSorted((a, b) => a.number - b.number)) {
    const owner = parseBranch(branch)?.owner;
    if (owner === undefined || createdMs / 1000 >= period.to) continue;
    stopIfAborted(signal);
    // The end of a period is no part of it.
    const notices = (await noticesOf(forge, number, period.to)).filter(
      ({ at }) => at >= period.from && at < period.to,
    );
    found.push({ owner, number, notices });
  }
  return found;
}
