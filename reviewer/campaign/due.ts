import { daySeconds } from '../../bundle/format/times.ts';
import { endOf, startOf } from '../../bundle/grants/dates.ts';
import type { ReviewRules } from '../../bundle/grants/reviewRules.ts';
import type { Frozen } from './frozen.ts';

type When = Pick<Frozen, 'opened' | 'due'>;
type Rules = ReviewRules['campaigns'];

/** Whether the due date is past; `asOf`: seconds since 1970. */
export const isOver = ({ due }: Pick<Frozen, 'due'>, asOf: number): boolean => asOf >= endOf(due);

/**
 * The reminder that is due: the last one whose time has come, for one is enough where several were missed; null before the
 * first and after the end. `half`, `7 days`, `1 day`. `asked`: when the pull request was opened, in seconds since 1970.
 */
export function reminderAt(
  { opened, due }: When,
  { reminder_days }: Rules,
  { asked, asOf }: { asked: number; asOf: number },
): string | null {
  const [from, end] = [startOf(opened), endOf(due)];
  if (asOf >= end) return null;
  const times = [
    { at: from + (end - from) / 2, name: 'half' },
    ...reminder_days.map((days) => ({
      at: end - days * daySeconds,
      name: days === 1 ? '1 day' : `${days} days`,
    })),
  ]
    // A campaign of five days has no reminder seven days before its end, and who was asked after that needs none.
    .filter(({ at }) => at > Math.max(from, asked) && at <= asOf)
    .sort((a, b) => a.at - b.at);
  return times.at(-1)?.name ?? null;
}

/** Whether those are to be asked whom a silent owner reports to. `asked`: when the pull request was opened. */
export const isAbsent = (asked: number, { manager_after_days }: Rules, asOf: number): boolean =>
  asOf >= asked + manager_after_days * daySeconds;
