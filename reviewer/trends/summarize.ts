import { daySeconds } from '../../bundle/format/times.ts';
import { isLive } from '../../bundle/grants/dates.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Plan } from '../plan/finding.ts';
import { shown } from '../plan/propose.ts';
import type { Summary } from './trend.ts';

const revertDays = 30;

/** Puts a run into few numbers. To be asked before the evidence is closed. */
export async function summarize(plan: Plan, evidence: Evidence): Promise<Summary> {
  const { organisation, asOf, from, usage, history } = evidence;
  const live = organisation.grants.filter((grant) => isLive(grant, asOf));
  const used = new Set<string>();
  for await (const some of usage.totals())
    for (const { grant, last } of some) if (last >= from) used.add(grant);
  const unused = live.filter(({ id }) => !used.has(id)).length;
  const known = plan.evidence.coverage >= organisation.review.thresholds.coverage && live.length > 0;
  const findings: Record<string, number> = {};
  for (const { detector } of [...plan.findings].sort((a, b) => (a.detector < b.detector ? -1 : 1)))
    findings[detector] = (findings[detector] ?? 0) + 1;
  const reverted = organisation.grants.filter(
    ({ id }) => (history.of(id)?.restoredAt ?? Number.NEGATIVE_INFINITY) >= asOf - revertDays * daySeconds,
  ).length;
  return {
    ...{ date: plan.as_of.slice(0, 10), as_of: plan.as_of, revision: plan.revision },
    grants: organisation.grants.length,
    people: [...organisation.people.values()].filter(({ status }) => status === 'active').length,
    coverage: plan.evidence.coverage,
    unused: known ? shown(unused / live.length) : null,
    findings,
    reverted,
    fingerprints: plan.findings.map(({ fingerprint }) => fingerprint.slice(0, 16)).sort(),
  };
}
