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

const endedText = ({ expires }: GrantLine): string =>
  expires === undefined ? 'has expired' : `ended ${instantOf(expires)}`;

const asksText = (phrases: readonly string[]): string =>
  `asks for ${phrases.join(' and ') || 'what the caller does not meet'}`;

/** What a policy looks at one after the other: the first thing missing is its reason, and hides the others. */
const order = ['parameter-not-covered', 'expired', 'suspended', 'condition-not-met'];

/** What a grant lacks besides the reason that the policy gives of it alone; where it has none of ours, nothing is known. */
export function lacksBesides(entry: GrantLine, input: DecisionInput, reason: string): string[] {
  const at = order.indexOf(reason);
  if (at < 0) return [];
  const phrases = unmet(entry, input);
  const lacking = {
    expired: entry.expires !== undefined && entry.expires <= input.time ? endedText(entry) : null,
    suspended: entry.state === 'suspended' ? 'is suspended' : null,
    'condition-not-met': phrases.length > 0 ? asksText(phrases) : null,
  };
  return Object.entries(lacking).flatMap(([code, text]) =>
    text !== null && order.indexOf(code) > at ? [text] : [],
  );
}

/** Why a grant holds or not, in words, and all that it lacks; `reason` is what the policy says of it alone. */
export function grantSentence(
  entry: GrantLine,
  input: DecisionInput,
  reason: string,
  holds: boolean,
): string {
  if (!holds) return [whyNot(entry, input, reason), ...lacksBesides(entry, input, reason)].join(', and ');
  const end =
    entry.expires === undefined ? 'holds, without an end' : `holds until ${instantOf(entry.expires)}`;
  return entry.rate === undefined ? end : `${end}, at most ${entry.rate}`;
}

function whyNot(entry: GrantLine, input: DecisionInput, reason: string): string {
  switch (reason) {
    case 'operation-not-covered':
      return `covers ${entry.operations.join(', ')}, not ${input.operation}`;
    case 'parameter-not-covered':
      return `is for ${paramsText(entry.conditions?.params ?? {})} only, not for ${givenText(input)}`;
    case 'expired':
      return endedText(entry);
    case 'suspended':
      return 'is suspended';
    case 'condition-not-met':
      return asksText(unmet(entry, input));
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
  const pairs = (all: Readonly<Record<string, string | null>>, what: string) =>
    Object.entries(all).map(
      ([name, value]) => `${what}${name} ${value === null ? '(none)' : JSON.stringify(value)}`,
    );
  return [...pairs(params, ''), ...pairs(claims, 'claim ')].join(', ') || 'none';
}
