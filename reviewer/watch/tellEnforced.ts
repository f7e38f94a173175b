import { numberIn } from '../../bundle/git/changesOf.ts';
import type { Forge } from '../forge/forge.ts';

/** What gateways enforce: a commit in full with its first line, and a sentence on who enforces it since when. */
export type Enforced = { revision: string; subject: string; sentence: string };

/**
 * Says once on the pull request whose merge a commit is that all gateways enforce it. Answers its number; null where the
 * commit came otherwise, or it was said before. Throws ForgeError.
 */
export async function tellEnforced(
  forge: Pick<Forge, 'mergeOf' | 'comments' | 'comment'>,
  { revision, subject, sentence }: Enforced,
): Promise<number | null> {
  const number = numberIn(subject);
  // Anybody may write a number into a commit's first line: the forge knows what it merged.
  if (number === null || (await forge.mergeOf(number))?.commit !== revision) return null;
  const mark = `<!-- grantgate:enforced ${revision} -->`;
  if ((await forge.comments(number)).some(({ body }) => body.startsWith(mark))) return null;
  await forge.comment(number, `${mark}\n${sentence}`);
  return number;
}
