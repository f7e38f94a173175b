import { conditionsOf } from '../../bundle/access/conditions.ts';
import { paramsText } from '../../bundle/access/paramsText.ts';
import type { GrantLine } from '../../bundle/data/grantLine.ts';
import { instantOf } from '../../bundle/format/times.ts';
import type { DecisionInput } from '../decision/decisionInput.ts';

/** What an unmet condition asks of the caller, one phrase each. */
function unmet(grant: GrantLine, input: DecisionInput): string[] {
  const phrases: string[] = [];
  const { mfa, networks } = conditionsOf(grant);
  if (mfa && !input.mfa) phrases.push('a sign-in with a second factor');
  if (networks !== null && !networks.some((name) => input.networks.includes(name)))
    phrases.push(`a call from ${networks.join(' or ')}`);
  return phrases;
}

/** Why a grant holds or not, in words; `reason` is what the policy says of it alone. */
export function grantSentence(
  entry: GrantLine,
  input: DecisionInput,
  reason: string,
  holds: boolean,
): string {
  if (holds) {
    const end =
      entry.expires === undefined ? 'holds, without an end' : `holds until ${instantOf(entry.expires)}`;
    return entry.rate === undefined ? end : `${end}, at most ${entry.rate}`;
  }
  switch (reason) {
    case 'operation-not-covered':
      return `covers ${entry.operations.join(', ')}, not ${input.operation}`;
    case 'parameter-not-covered':
      return `is for ${paramsText(entry.conditions?.params ?? {})} only, not for ${givenText(input)}`;
    case 'expired':
      return entry.expires === undefined ? 'has expired' : `ended ${instantOf(entry.expires)}`;
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

/** What the request has under the names that grants restrict, and the token under those that they compare it with. */
function givenText({ params = {}, claims = {} }: Pick<DecisionInput, 'params' | 'claims'>): string {
  const told = (all: Readonly<Record<string, string | null>>, what: string) =>
    Object.entries(all).map(
      ([name, value]) => `${what}${name} ${value === null ? '(none)' : JSON.stringify(value)}`,
    );
  return [...told(params, ''), ...told(claims, 'claim ')].join(', ') || 'none';
}
