import type { Finding, Plan } from '../plan/finding.ts';
import { detectorTierNames, riskOf, tierOf } from '../plan/tiers.ts';
import type { Family } from './text/branch.ts';

/** Findings that are answered by the same people in the same way. */
export type Group = Family & { findings: readonly Finding[] };

/** What a person can still read, and a body hold. What is more comes with the next one. */
export const mostFindings = 100;

const risks = ['high', 'routine'] as const;

/** Groups a plan's findings by owner, detector tier and risk: urgent and high ones first; each sorted by grant. */
export function groupFindings(plan: Pick<Plan, 'findings'>): Group[] {
  const groups = new Map<string, Family & { findings: Finding[] }>();
  for (const finding of plan.findings) {
    const [tier, risk] = [tierOf(finding), riskOf(finding.severity)];
    const key = `${tier} ${risk} ${finding.owner}`;
    const known = groups.get(key);
    if (known) known.findings.push(finding);
    else groups.set(key, { owner: finding.owner, tier, risk, findings: [finding] });
  }
  return [...groups.values()].sort(
    (a, b) =>
      detectorTierNames.indexOf(a.tier) - detectorTierNames.indexOf(b.tier) ||
      risks.indexOf(a.risk) - risks.indexOf(b.risk) ||
      (a.owner < b.owner ? -1 : 1),
  );
}
