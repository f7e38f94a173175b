import { dayMs } from '../../bundle/format/times.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { ForgePull } from '../forge/forge.ts';
import type { Finding } from '../plan/finding.ts';
import { isSaid } from './text/decision.ts';
import type { Marker } from './text/marker.ts';

type Severity = Finding['severity'];

/** So long a pull request waits for an answer before `no_response` holds. */
const patience = (30 * dayMs) / 1000;

/** What becomes of a pull request that nobody answers. */
export type Rule = 'keep' | 'escalate' | 'suspend';
const strength: readonly Rule[] = ['keep', 'escalate', 'suspend'];

/** Since when it is asked, and from when on which rule holds where nobody answers; seconds since 1970. */
export type Unanswered = {
  since: number;
  at: number;
  rule: Rule;
  /** Those that it holds for, of what the pull request has; none where it holds because somebody has answered a part. */
  severities: readonly Severity[];
};

/**
 * What `no_response` says of a pull request: the strongest word on what it holds. What somebody has decided by a comment is not
 * closed, for that would throw it away: others are asked to merge it. Null for what waits for ever: urgent ones,
 * those that only tidy up, and those of which it has been carried out.
 */
export function unanswered(
  marker: Pick<Marker, 'tier' | 'escalated' | 'entries'>,
  findings: readonly Pick<Finding, 'severity'>[],
  { review }: Pick<Organisation, 'review'>,
  { createdMs, reopenedMs }: Pick<ForgePull, 'createdMs' | 'reopenedMs'>,
): Unanswered | null {
  if (marker.tier === 'urgent' || marker.tier === 'tidying' || marker.escalated !== undefined) return null;
  const present = [...new Set(findings.map(({ severity }) => severity))];
  const wordFor = (severity: Severity) => review.pull_requests.no_response[severity];
  const rule = strength.findLast((word) => present.some((severity) => wordFor(severity) === word));
  // Who is asked anew has as long as anybody.
  const since = (reopenedMs ?? createdMs) / 1000;
  if (rule === undefined) return null;
  if (rule === 'keep' && marker.entries.some(({ decision }) => isSaid(decision)))
    return { since, at: since + patience, rule: 'escalate', severities: [] };
  return { since, at: since + patience, rule, severities: present.filter((one) => wordFor(one) === rule) };
}
