import { numberIn } from '../../bundle/git/changesOf.ts';
import type { Forge } from '../forge/forge.ts';

/** What gateways enforce: a commit in full with its first line, and a sentence on who enforces it since when. */
export type Enforced = { revision: string; subject: string; sentence: string };

/**
 * Says once on the pull request whose merge a commit is that all gateways enforce it. Answers its number; null where the
 * commit came otherwise, or it was said before. Throws ForgeError.
 */
export async function tellEnforced(
  forge: Pick<Forge, 'mergeOf' | 'mergedAs' | 'comments' | 'comment'>,
  { revision, subject, sentence }: Enforced,
): Promise<number | null> {
  const said = numberIn(subject);
  // Anybody may write a number into a commit's first line, and a rebase writes none: the forge knows what it merged.
  const isSo = said !== null && (await forge.mergeOf(said))?.commit === revision;
  const number = isSo ? said : await forge.mergedAs(revision);
  if (number === null) return null;
  const mark = `<!-- grantgate:enforced ${revision} -->`;
  if ((await forge.comments(number)).some(({ isOurs, body }) => isOurs && body.startsWith(mark))) return null;
  await forge.comment(number, `${mark}\n${sentence}`);
  return number;
}
