import { dayMs } from '../../bundle/format/times.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { isWithin, parseSchedule } from '../../bundle/grants/schedule.ts';
import type { ForgePull } from '../forge/forge.ts';
import { isUrgent } from './text/branch.ts';
import { rememberedIn } from './text/marker.ts';
/** Whom nobody answers for so long stops asking. */
export const ignoredMs = 90 * dayMs;

/** Why nothing that is not urgent is opened at an instant (ms since 1970), by the schedule; null when it may be. */
export function outsideSchedule({ review }: Pick<Organisation, 'review'>, nowMs: number): string | null {
  const { schedule, timezone } = review.pull_requests;
  const parsed = parseSchedule(schedule);
  if (parsed !== null && isWithin(parsed, timezone, nowMs)) return null;
  return `outside the schedule (pull_requests.schedule: ${schedule}, ${timezone})`;
}

/** Why nothing more is asked: pull requests are open for 90 days, and nobody has merged or closed one since; or null. */
export function ignoredSince(known: readonly ForgePull[], nowMs: number): string | null {
  const asked = known.filter(({ branch }) => !isUrgent(branch));
  const waiting = asked.some(({ state, createdMs }) => state === 'open' && createdMs <= nowMs - ignoredMs);
  const acted = known.some(
    (pull) =>
      pull.closedMs !== null &&
      pull.closedMs > nowMs - ignoredMs &&
      (pull.merged || rememberedIn(pull)?.closed === undefined),
  );
  return waiting && !acted
    ? 'paused: nobody has acted on a pull request of the review for 90 days; merge or close one to go on'
    : null;
}
