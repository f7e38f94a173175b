import { numberIn } from '../../bundle/git/changesOf.ts';
import type { Forge } from '../forge/forge.ts';
import type { ForgeMerge } from '../forge/mergeOf.ts';
import { stopIfAborted } from '../reviewError.ts';
import type { GrantChange } from './grantChanges.ts';

/**
 * Commit → the pull request that it is the merge of. What a commit's first line says is anybody's word, and after a rebase or
 * under a title of one's own it says nothing: the forge knows what it merged. Throws ForgeError, ReviewError `aborted`.
 */
export async function mergesOf(
  forge: Pick<Forge, 'mergeOf' | 'mergedAs'>,
  changes: readonly Pick<GrantChange, 'commit' | 'subject'>[],
  signal?: AbortSignal,
): Promise<Map<string, ForgeMerge>> {
  const known = new Map<number, ForgeMerge | null>();
  const ask = async (number: number | null): Promise<ForgeMerge | null> => {
    if (number === null) return null;
    if (!known.has(number)) known.set(number, await forge.mergeOf(number));
    return known.get(number) ?? null;
  };
  const found = new Map<string, ForgeMerge>();
  for (const [commit, subject] of new Map(changes.map((change) => [change.commit, change.subject]))) {
    stopIfAborted(signal);
    const said = await ask(numberIn(subject));
    const merge = said?.commit === commit ? said : await ask(await forge.mergedAs(commit));
    if (merge !== null) found.set(commit, merge);
  }
  return found;
}
