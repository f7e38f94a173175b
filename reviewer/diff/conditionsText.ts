import type { Conditions } from '../../bundle/access/conditions.ts';
import { movedValues } from '../../bundle/access/movedValues.ts';
import { paramsText } from '../../bundle/access/paramsText.ts';
import { counted, listed } from '../../bundle/format/counted.ts';
import { instantOf } from '../../bundle/format/times.ts';

/** Ways that ask for the same, and the rates of all of them. */
type Phrase = Omit<Conditions, 'rate'> & { rates: readonly string[] };

/**
 * "from office → from warehouse", "at most 20/min in all by 2 grants → at most 10/min": the conditions before and after.
 * Of one way and one way only what became otherwise; several are told whole.
 */
export function conditionsText(before: readonly Conditions[], after: readonly Conditions[]): string {
  const [was, is] = [phrasesOf(before), phrasesOf(after)];
  const [[old, ...more], [now, ...others]] = [was, is];
  const moved = movedValues(before, after);
  const end = moved === '' ? '' : ` (${moved})`;
  if (old === undefined || now === undefined || more.length + others.length > 0)
    return `${whole(was)} → ${whole(is)}${end}`;
  const changed = parts.filter((part) => part(old, true) !== part(now, true));
  const texts = [old, now].map((one) => changed.map((part) => part(one, true)).join(', '));
  return `${texts.join(' → ')}${end}`;
}

/** Each part of the conditions in words; with `all`, also that it asks for nothing. */
const parts: readonly ((one: Phrase, all: boolean) => string)[] = [
  ({ params }, all) => (params !== undefined ? `for ${paramsText(params)}` : all ? 'for any value' : ''),
  ({ networks }) => (networks === null ? 'anywhere' : `from ${networks.join(' or ')}`),
  ({ mfa }, all) => (mfa ? 'with a second factor' : all ? 'without a second factor' : ''),
  ({ rates, together }, all) =>
    rates.length > 0 ? ratesText(rates, together) : all ? 'as often as the API lets everybody' : '',
  ({ expires }, all) => (expires !== null ? `until ${instantOf(expires)}` : all ? 'without an end' : ''),
];

/** Ways with a rate count only where none of the others holds, and each lets through its own. */
function whole(phrases: readonly Phrase[]): string {
  const text = (one: Phrase) =>
    parts
      .map((part) => part(one, false))
      .filter((part) => part !== '')
      .join(', ');
  const free = phrases.filter(({ rates }) => rates.length === 0).map(text);
  const rated = phrases.filter(({ rates }) => rates.length > 0).map(text);
  return [free.join('; or '), rated.join('; and ')].filter((part) => part !== '').join('; else ');
}

function phrasesOf(all: readonly Conditions[]): Phrase[] {
  const found = new Map<string, Phrase & { rates: string[] }>();
  for (const { rate, ...asked } of all) {
    const text = JSON.stringify([asked, rate !== undefined]);
    const known = found.get(text);
    if (known !== undefined && rate !== undefined) known.rates.push(rate);
    else found.set(text, { ...asked, rates: rate === undefined ? [] : [rate] });
  }
  return [...found.values()];
}

/** "at most 10/min", "at most 20/min in all by 2 grants", "at most 20/min and 100/h in all by 3 grants for a and b together". */
function ratesText(rates: readonly string[], together: readonly string[] = []): string {
  const sums = new Map<string, number>();
  for (const rate of rates) {
    const [count, unit = ''] = rate.split('/');
    sums.set(unit, (sums.get(unit) ?? 0) + Number(count));
  }
  const most = [...sums].map(([unit, count]) => `${count}/${unit}`).join(' and ');
  const by = rates.length > 1 ? ` in all by ${counted(rates.length, 'grant')}` : '';
  return `at most ${most}${by}${together.length > 0 ? ` for ${listed(together)} together` : ''}`;
}
