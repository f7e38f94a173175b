import { dayMs } from '../../bundle/format/times.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Finding } from '../plan/finding.ts';
import type { Marker } from './text/marker.ts';

/** So long a pull request waits for an answer before `no_response` holds. */
const patienceMs = 30 * dayMs;

/** What becomes of a pull request that nobody answers. */
export type Unanswered = 'keep' | 'escalate' | 'suspend';
const strength: readonly Unanswered[] = ['keep', 'escalate', 'suspend'];

/**
 * Tells what is due, or null: by the strongest word on what it holds. Urgent ones and those that only tidy up wait
 * for ever. `nowMs`, `createdMs`: ms since 1970.
 */
export function unanswered(
  marker: Pick<Marker, 'tier' | 'escalated'>,
  findings: readonly Pick<Finding, 'severity'>[],
  { review }: Pick<Organisation, 'review'>,
  { nowMs, createdMs }: { nowMs: number; createdMs: number },
): Unanswered | null {
  if (marker.tier === 'urgent' || marker.tier === 'tidying' || marker.escalated !== undefined) return null;
  if (createdMs > nowMs - patienceMs) return null;
  const due = findings.map(({ severity }) => strength.indexOf(review.pull_requests.no_response[severity]));
  return strength[Math.max(...due)] ?? null;
}
