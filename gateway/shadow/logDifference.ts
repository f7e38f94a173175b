import type { Logger } from 'pino';
import type { Asked, Compared } from './decideAgain.ts';

/** What a policy that differs everywhere would else write of each request. */
const linesPerMinute = 60;

/** Writes a line for each request that another revision would decide otherwise: so many a minute, the rest as a number. */
export function createLogDifference(log: Pick<Logger, 'info'>, now: () => number) {
  let minute = 0;
  let lines = 0;
  let unsaid = 0;
  return ({ id, identity, route, revision }: Asked, { result, facts }: Compared, shadowRevision: string) => {
    const current = Math.floor(now() / 60_000);
    if (current !== minute) {
      if (unsaid > 0) log.info({ unsaid }, 'more differences than lines for them');
      [minute, lines, unsaid] = [current, 0, 0];
    }
    lines += 1;
    if (lines > linesPerMinute) {
      unsaid += 1;
      return;
    }
    const { subject } = identity;
    const { api, operation } = route;
    const asked = { decision_id: id, subject, api, operation, result, revision };
    log.info({ ...asked, shadow_revision: shadowRevision, ...facts }, 'shadow differs');
  };
}
