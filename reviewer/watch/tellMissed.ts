import type { Forge, ForgePull } from '../forge/forge.ts';
import { settleProposal } from '../proposal/openProposal.ts';
import { openMirror } from '../pulls/mirror.ts';
import { branchPrefix } from '../pulls/text/branch.ts';
import { type Entry, parseBody } from '../pulls/text/marker.ts';
import { restoreGrant } from '../restore/restoreGrant.ts';
import { restorePrefix, restoreProposal } from '../restore/restoreText.ts';
import { ReviewError } from '../reviewError.ts';
import { type Missed, watchedSeconds } from './missedGrants.ts';
import { missedComment, missedMark } from './missedText.ts';

/** What was said of a grant that is missed; `restore` is the address of the pull request that gives it back. */
export type ToldMissed = { grant: string; pull: string; restore: string | null };

/** Taken because nobody seemed to need it: that it is missed says otherwise. What was taken for cause is not offered back. */
const forDisuse: ReadonlySet<string> = new Set([
  'never-used',
  'dormant',
  'over-privileged',
  'redundant',
  'high-access',
  'mover',
  'growth',
]);

type Options = {
  /** Seconds since 1970. */
  asOf: number;
  signal?: AbortSignal | undefined;
};

/**
 * Says on the merged pull request of the review that took a grant whom that keeps from what, once, and prepares the pull
 * request that gives it back. What others took they know of themselves. Throws ForgeError.
 */
export async function tellMissed(
  forge: Forge,
  missed: readonly Missed[],
  { asOf, signal }: Options,
): Promise<ToldMissed[]> {
  if (missed.length === 0) return [];
  const merged = (await forge.listPulls(branchPrefix, (asOf - watchedSeconds) * 1000)).filter(
    (pull) => pull.merged,
  );
  const due: { one: Missed; pull: ForgePull; entry: Entry }[] = [];
  for (const one of missed) {
    const found = takenBy(one, merged);
    if (found === null) continue;
    const said = await forge.comments(found.pull.number);
    if (!said.some(({ isOurs, body }) => isOurs && body.startsWith(missedMark(one.grant))))
      due.push({ one, ...found });
  }
  if (due.length === 0) return [];

  const told: ToldMissed[] = [];
  const mirror = await openMirror(forge, signal, restorePrefix);
  try {
    const tree = await mirror.tree();
    for (const { one, pull, entry } of due) {
      let restore: string | null = null;
      // Where it is said, a text may say; what is offered back, only one that nobody has changed.
      if (pull.isOurs && forDisuse.has(entry.detector)) {
        try {
          const restored = await restoreGrant(tree, one.grant, { asOf });
          const gives = restored.changes.length > 0;
          if (gives)
            restore = (await settleProposal(forge, mirror, restoreProposal(restored, asOf))).pull.url;
        } catch (error) {
          // It cannot be put back as it was: then people are told all the same.
          if (!(error instanceof ReviewError) || error.code === 'aborted') throw error;
        }
      }
      await forge.comment(pull.number, missedComment(one, restore));
      told.push({ grant: one.grant, pull: pull.url, restore });
    }
  } finally {
    await mirror.close();
  }
  return told;
}

/** The last merge of the review that was about it. */
function takenBy({ grant }: Missed, merged: readonly ForgePull[]): { pull: ForgePull; entry: Entry } | null {
  const about = merged
    .flatMap((pull) => {
      const entry = parseBody(pull.body)?.entries.find((one) => one.grant === grant);
      return entry === undefined ? [] : [{ pull, entry }];
    })
    .sort((a, b) => (b.pull.closedMs ?? 0) - (a.pull.closedMs ?? 0));
  return about[0] ?? null;
}
