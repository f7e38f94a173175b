import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { ForgePull } from '../forge/forge.ts';
import { isUrgent } from './text/branch.ts';

const hourMs = 3_600_000;

/** Takes a place for one more pull request; says why there is none. */
export type PullLimits = { take(branch: string): string | null };

type Options = {
  known: readonly ForgePull[];
  organisation: Pick<Organisation, 'review'>;
  /** Milliseconds since 1970. */
  nowMs: number;
  /** Branches that somebody asked for: they wait for nothing. */
  asked: ReadonlySet<string>;
  /** Why nothing is opened that is not urgent; null when it may be. */
  resting: string | null;
};

/** The limits on pull requests that are not urgent. Urgent ones take none of their places. */
export function openPullLimits({ known, organisation, nowMs, asked, resting }: Options): PullLimits {
  const { open, per_hour } = organisation.review.pull_requests;
  const counting = known.filter(({ branch }) => !isUrgent(branch));
  let opened = counting.filter(({ state }) => state === 'open').length;
  let lately = counting.filter(({ createdMs }) => createdMs > nowMs - hourMs).length;
  return {
    take(branch) {
      if (isUrgent(branch)) return null;
      if (!asked.has(branch)) {
        if (resting !== null) return resting;
        if (opened >= open) return `${opened} pull requests are open (pull_requests.open: ${open})`;
        if (lately >= per_hour)
          return `${lately} were opened within the hour (pull_requests.per_hour: ${per_hour})`;
      }
      opened += 1;
      lately += 1;
      return null;
    },
  };
}
