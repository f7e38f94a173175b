import { cadenceDays, endOf } from '../../../bundle/grants/dates.ts';
import { fold } from '../../../bundle/grants/names.ts';
import type { GrantEntry } from '../../../bundle/grants/schema.ts';

/** Whether somebody can do more by the grant as it is `after`, what it covers aside. */
export function grew(before: GrantEntry, after: GrantEntry, at: number): boolean {
  if (before.state === 'suspended' && after.state === 'active') return true;
  if (fold(before.principal) !== fold(after.principal) || before.api !== after.api) return true;
  const over = before.expires !== undefined && endOf(before.expires) <= at;
  if (over && (after.expires === undefined || endOf(after.expires) > at)) return true;
  if (before.conditions?.mfa === true && after.conditions?.mfa !== true) return true;
  if (before.params !== undefined && !isWithin(before.params, after.params)) return true;
  const [from, to] = [before.conditions?.networks, after.conditions?.networks];
  return from !== undefined && (to === undefined || isWider(from, to));
}

type Params = NonNullable<GrantEntry['params']>;

/** Whether whatever path parameters may be afterwards, they might be before. */
const isWithin = (before: Params, after: Params = {}): boolean =>
  Object.entries(before).every(([name, wanted]) => {
    const now = after[name];
    if (now === undefined || typeof now === 'string' || typeof wanted === 'string') return now === wanted;
    return now.every((value) => wanted.includes(value));
  });

/** Whether there is something in it that was not before. */
export const isWider = (before: readonly string[], after: readonly string[]) =>
  after.some((operation) => !before.includes(operation));

/** How long it may lie idle by its own word; for what has no cadence nothing longer than usual is meant. */
export const restDays = ({ cadence }: GrantEntry) =>
  cadence === undefined ? 0 : cadence === 'break-glass' ? Number.POSITIVE_INFINITY : cadenceDays[cadence];
