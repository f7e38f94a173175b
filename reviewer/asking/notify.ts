import type { Forge } from '../forge/forge.ts';
import { optional } from '../forge/optional.ts';
import { askReviewers } from './askReviewers.ts';
import { givenIn, type Notice, noticeText } from './notice.ts';

/**
 * Gives the notices that have not been given yet; whether there were any. `answers`: of a forge's name, whether an approval by
 * it counts beside those of who may push. Throws ForgeError.
 */
export async function notify(
  forge: Pick<Forge, 'comments' | 'comment' | 'isApproved' | 'requestReviewers'>,
  number: number,
  notices: readonly Notice[],
  answers?: (login: string) => boolean,
): Promise<boolean> {
  if (notices.length === 0) return false;
  const given = new Set(givenIn(await forge.comments(number)).map(({ key }) => key));
  const left = notices.filter(({ key }) => !given.has(key));
  const isApproved =
    left.some(({ unlessApproved }) => unlessApproved === true) && (await forge.isApproved(number, answers));
  let some = false;
  for (const notice of left) {
    if (isApproved && notice.unlessApproved === true) continue;
    // First, for who is asked twice is asked once.
    if (notice.asks === true) await askReviewers(forge, number, { people: notice.who });
    if (await optional(() => forge.comment(number, noticeText(notice)))) some = true;
  }
  return some;
}
