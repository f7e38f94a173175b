import type { Finding, Plan } from '../plan/finding.ts';
import { branchOf } from './branch.ts';
import { type DetectorTier, detectorTiers } from './tiers.ts';

/** The findings that one pull request carries out. */
export type Group = { owner: string; tier: DetectorTier; branch: string; findings: readonly Finding[] };

const order: readonly DetectorTier[] = ['urgent', 'removal', 'narrowing', 'certification'];
/** What a person can still read, and a body hold. What is more comes with the next one. */
export const mostFindings = 200;

/** Groups a plan's findings by owner and detector tier: urgent ones first, then by owner; each sorted by grant. */
export function groupFindings(plan: Pick<Plan, 'findings'>): Group[] {
  const groups = new Map<string, { owner: string; tier: DetectorTier; findings: Finding[] }>();
  for (const finding of plan.findings) {
    const tier = detectorTiers[finding.detector];
    const key = `${tier} ${finding.owner}`;
    const known = groups.get(key);
    if (known) known.findings.push(finding);
    else groups.set(key, { owner: finding.owner, tier, findings: [finding] });
  }
  return [...groups.values()]
    .sort((a, b) => order.indexOf(a.tier) - order.indexOf(b.tier) || (a.owner < b.owner ? -1 : 1))
    .map((group) => ({ ...group, branch: branchOf(group) }));
}
