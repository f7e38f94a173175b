import { dayMs } from '../../bundle/format/times.ts';
import type { Forge } from '../forge/forge.ts';
import { prose } from '../forge/markdown.ts';
import type { Section } from '../pulls/dashboard.ts';
import { attestedLabel } from './attest.ts';
import { emergencyPrefix } from './requestProposal.ts';

const daysBack = 90;

/**
 * Emergency access of the last 90 days that nobody has attested, for the dashboard. `asOfMs`: ms since 1970. Throws
 * ForgeError.
 */
export async function unattested(forge: Forge, asOfMs: number): Promise<Section> {
  const pulls = await forge.listPulls(emergencyPrefix, asOfMs - daysBack * dayMs);
  return {
    title: 'Emergency access that nobody has attested',
    lines: pulls
      .filter(({ merged, labels }) => merged && !labels.includes(attestedLabel))
      .sort((a, b) => a.number - b.number)
      .map(({ number, title }) => `#${number}: ${prose(title)} – comment \`/attest REASON\` there`),
  };
}
