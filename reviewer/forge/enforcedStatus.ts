import type { CommitStatus } from './forge.ts';

/** The name under which it stands beside a commit's other checks. */
const enforcedContext = 'grantgate/enforced';

/** GitHub refuses longer ones. */
const longest = 140;

/**
 * What to say of a commit: `success` once all gateways enforce it, `failure` when they were waited for in vain,
 * otherwise `pending`.
 */
export function enforcedStatus(sentence: string, enforced: boolean, gaveUp: boolean): CommitStatus {
  return {
    context: enforcedContext,
    state: enforced ? 'success' : gaveUp ? 'failure' : 'pending',
    description: sentence.slice(0, longest),
  };
}
