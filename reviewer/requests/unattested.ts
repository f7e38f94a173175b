import { dayMs } from '../../bundle/format/times.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { prose } from '../forge/markdown.ts';
import type { Section } from '../pulls/dashboard.ts';
import { isAttested } from './attest.ts';
import { emergencyPrefix } from './requestProposal.ts';

const daysBack = 90;

/**
 * Emergency access of the last 90 days that nobody has attested, in the order of its pull requests. `asOfMs`: ms since
 * 1970. Throws ForgeError.
 */
export async function unattested(
  forge: Pick<Forge, 'listPulls' | 'comments'>,
  asOfMs: number,
): Promise<ForgePull[]> {
  const found: ForgePull[] = [];
  for (const pull of await forge.listPulls(emergencyPrefix, asOfMs - daysBack * dayMs))
    if (pull.merged && !(await isAttested(forge, pull.number))) found.push(pull);
  return found.sort((a, b) => a.number - b.number);
}

/** The same for the dashboard. */
export const unattestedSection = (pulls: readonly ForgePull[]): Section => ({
  title: 'Emergency access that nobody has attested',
  lines: pulls.map(({ number, title }) => `#${number}: ${prose(title)} – comment \`/attest REASON\` there`),
});
