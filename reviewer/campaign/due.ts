import { daySeconds } from '../../bundle/format/times.ts';
import { endOf, startOf } from '../../bundle/grants/dates.ts';
import type { ReviewRules } from '../../bundle/grants/reviewRules.ts';
import { daysBefore, lastDue } from '../asking/lastDue.ts';
import type { Frozen } from './frozen.ts';

type When = Pick<Frozen, 'opened' | 'due'>;
type Rules = ReviewRules['campaigns'];

/** Whether the due date is past; `asOf`: seconds since 1970. */
export const isOver = ({ due }: Pick<Frozen, 'due'>, asOf: number): boolean => asOf >= endOf(due);

/**
 * The reminder that is due: `half`, `7 days`, `1 day`; null before the first and after the end. `asked`: when the pull
 * request was opened, in seconds since 1970.
 */
export function reminderAt(
  { opened, due }: When,
  { reminder_days }: Rules,
  { asked, asOf }: { asked: number; asOf: number },
): string | null {
  const [from, end] = [startOf(opened), endOf(due)];
  if (asOf >= end) return null;
  const half = { at: from + (end - from) / 2, name: 'half' };
  // A campaign of five days has no reminder seven days before its end, and who was asked after that needs none.
  return lastDue([half, ...daysBefore(end, reminder_days)], Math.max(from, asked), asOf);
}

/** Whether those are to be asked whom a silent owner reports to. `asked`: when the pull request was opened. */
export const isSilent = (asked: number, { manager_after_days }: Rules, asOf: number): boolean =>
  asOf >= asked + manager_after_days * daySeconds;
