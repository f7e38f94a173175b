import type { DecisionInput } from '../decision/decision.ts';

/** A grant as the bundle has it. `expires` is exclusive, whole seconds since 1970. */
export type GrantEntry = {
  id: string;
  operations: readonly string[];
  expires?: number;
  state?: string;
  rate?: string;
  conditions?: { mfa?: boolean; networks?: readonly string[] };
};

/** Seconds since 1970 as RFC 3339. */
export const instant = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** What an unmet condition asks of the caller, one phrase each. */
export function unmet({ conditions = {} }: GrantEntry, input: DecisionInput): string[] {
  const phrases: string[] = [];
  if (conditions.mfa === true && !input.mfa) phrases.push('a sign-in with a second factor');
  const { networks } = conditions;
  if (networks !== undefined && !networks.some((name) => input.networks.includes(name)))
    phrases.push(`a call from ${networks.join(' or ')}`);
  return phrases;
}

/** Why a grant holds or not, in words; `reason` is what the policy says of it alone. */
export function grantSentence(
  entry: GrantEntry,
  input: DecisionInput,
  reason: string,
  holds: boolean,
): string {
  if (holds) {
    const end =
      entry.expires === undefined ? 'holds, without an end' : `holds until ${instant(entry.expires)}`;
    return entry.rate === undefined ? end : `${end}, at most ${entry.rate}`;
  }
  switch (reason) {
    case 'operation-not-covered':
      return `covers ${entry.operations.join(', ')}, not ${input.operation}`;
    case 'expired':
      return entry.expires === undefined ? 'has expired' : `ended ${instant(entry.expires)}`;
    case 'suspended':
      return 'is suspended';
    case 'condition-not-met':
      return `asks for ${unmet(entry, input).join(' and ') || 'what the caller does not meet'}`;
    case 'principal-unknown':
      return 'does not count: no directory knows the caller';
    case 'principal-inactive':
      return "does not count: the caller's account is not active";
    default:
      return `does not hold: ${reason}`;
  }
}
