import { daySeconds } from '../../bundle/format/times.ts';

/** Something that is told of at an instant, seconds since 1970. */
export type Timed = { at: number; name: string };

/** `7 days`, `1 day`: so many days before an end, seconds since 1970. */
export const daysBefore = (end: number, days: readonly number[]): Timed[] =>
  days.map((count) => ({ at: end - count * daySeconds, name: count === 1 ? '1 day' : `${count} days` }));

/** The last one whose time has come, for one is enough where several were missed; what came until `after` needs none. */
export const lastDue = (timed: readonly Timed[], after: number, asOf: number): string | null =>
  timed
    .filter(({ at }) => at > after && at <= asOf)
    .sort((a, b) => a.at - b.at)
    .at(-1)?.name ?? null;
