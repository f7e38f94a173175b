import { nameOf } from '../plan/sentence.ts';
import type { ChangeFact } from './changeFacts.ts';

/** Puts a finding of the built-in rules into words; one of other rules is told by its name. */
export function findingText(rule: string, change: ChangeFact | undefined, detail: string): string {
  const where = change?.api === undefined ? '' : ` of ${change.api}`;
  switch (rule) {
    case 'must-end':
      return `${detail}: access to ${change?.api ?? ''} (${change?.tier ?? ''}) must end within the days that approval.longest_days allows; give it an earlier "expires"`;
    case 'separation-of-duties':
      return `both sides of ${detail}${where}: nobody may hold them together`;
    case 'directory-access':
      return `${detail}: the directory gives access to ${change?.api ?? ''} (${change?.tier ?? ''})`;
    case 'review-put-off':
      return `${detail}: reviews ask about it later`;
    case 'put-back':
      return `${detail}, comes back: what was answered about it before does not count for it any more`;
    case 'rules-changed':
      return `${detail}: judges from the next pull request on; this one is judged by the rules of the base`;
    default:
      return `${rule}: ${detail}${where}`;
  }
}

/** Whose approval is needed, and for what. */
export function requirementText({
  rule,
  api,
  approval_of,
  except,
}: {
  rule: string;
  api: string;
  approval_of: string;
  except?: string | undefined;
}): string {
  const what =
    rule === 'owner-approval'
      ? `access to ${api} is widened`
      : rule === 'api-weakened'
        ? `${api} is to be guarded less`
        : rule === 'api-opened'
          ? `grants of ${api} come to allow more: from other addresses, by other ways to sign in, on other paths, or elsewhere`
          : rule === 'self-review'
            ? `access to ${api} that is only ${nameOf(except ?? '')}'s is certified or prolonged, and they may not do that themselves`
            : `${rule}, ${api}`;
  return `${nameOf(approval_of)} must approve: ${what}`;
}
