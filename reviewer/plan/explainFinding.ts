import { readDetectors } from '../../bundle/detectors/readDetectors.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import type { Verdict } from '../detect/detect.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Finding } from './finding.ts';

/** Why something was found: what the policies were told, thresholds among it, and the Rego that decided. */
export type Explained = {
  finding: Finding;
  facts: unknown;
  /** `policies/review/NAME.rego`, and its text. */
  policy: { path: string; text: string } | null;
};

/** Explains a finding of a plan by its fingerprint, or as much of its beginning as no other has; null when there is none. */
export async function explainFinding(
  fingerprint: string,
  findings: readonly Finding[],
  verdicts: readonly Verdict[],
  { tree }: Evidence,
): Promise<Explained | null> {
  const meant = findings.filter((one) => fingerprint !== '' && one.fingerprint.startsWith(fingerprint));
  const [finding] = meant;
  if (finding === undefined || meant.length > 1) return null;
  const told = verdicts.find(
    ({ grant, detector }) => grant.id === finding.grant && detector === finding.detector,
  );
  const path = `policies/review/${finding.detector.replaceAll('-', '_')}.rego`;
  const { own } = await readDetectors(tree);
  const ours = own.find((one) => one.path === path)?.source;
  const text = (ours ?? (await readPolicies(tree, 'review')).get(path))?.toString('utf8');
  return { finding, facts: told?.facts ?? null, policy: text === undefined ? null : { path, text } };
}

/** The same for people at a terminal. */
export const explainedText = ({ finding, facts, policy }: Explained): string =>
  [
    `${finding.fingerprint}: ${finding.action} ${finding.grant} (${finding.detector}, ${finding.severity})`,
    finding.sentence,
    `What the policies were told:\n${JSON.stringify(facts, null, 2)}`,
    policy === null
      ? 'No policy of its name is there: another file of policies/review decided.'
      : `What decided, ${policy.path}:\n${policy.text}`,
  ].join('\n\n');
