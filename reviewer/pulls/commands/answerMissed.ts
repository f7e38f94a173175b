import type { Tree } from '../../../bundle/git/tree.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import type { Forge, ForgePull } from '../../forge/forge.ts';
import { ForgeError } from '../../forge/forgeError.ts';
import { stopIfAborted } from '../../reviewError.ts';
import type { Mirror } from '../mirror.ts';
import { answerComments } from './answerComments.ts';

type Options = {
  forge: Forge;
  mirror: Mirror;
  /** The base, whose directory and rules count. */
  base: { tree: Tree; organisation: Organisation };
  signal?: AbortSignal | undefined;
};

/**
 * Carries out what comments on open pull requests of the review ask for and no other run got to: whoever is told of each
 * comment may have failed on it, and workflows are not told of those in reviews. Whether any was answered, and what kept it
 * from one of them. Throws what leaves nothing to be done for anybody: ForgeError `forge-unauthorized`, `forge-limited`,
 * ReviewError `aborted`.
 */
export async function answerMissed(
  pulls: readonly ForgePull[],
  { forge, mirror, base, signal }: Options,
): Promise<{ answered: boolean; error: ForgeError | null }> {
  let answered = false;
  let error: ForgeError | null = null;
  for (const { number, state, isOurs } of pulls) {
    // A text that somebody else has changed is written anew first, and its comments are heard then.
    if (state !== 'open' || !isOurs) continue;
    stopIfAborted(signal);
    try {
      const { handled } = await answerComments({ forge, mirror, base, number });
      answered ||= handled > 0;
    } catch (caught) {
      if (!(caught instanceof ForgeError) || /^forge-(?:unauthorized|limited)$/.test(caught.code))
        throw caught;
      error ??= caught;
    }
  }
  return { answered, error };
}
