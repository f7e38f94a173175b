import { detector as builtIn, type Detector, type DetectorName } from '../../bundle/grants/names.ts';
import type { Action, Severity } from '../detect/judge.ts';

/** Findings of a tier ask for the same kind of answer, so they share a pull request. */
export const detectorTierNames = [
  'urgent',
  'removal',
  'narrowing',
  'certification',
  'controls',
  'automatic',
  'tidying',
] as const;
export type DetectorTier = (typeof detectorTierNames)[number];

const detectorTiers: Readonly<Record<Detector, DetectorTier>> = {
  'orphan-disabled': 'urgent',
  'orphan-missing': 'urgent',
  'never-used': 'removal',
  dormant: 'removal',
  'over-privileged': 'narrowing',
  'separation-of-duties': 'narrowing',
  expiring: 'certification',
  ownerless: 'certification',
  'high-access': 'certification',
  mover: 'certification',
  growth: 'certification',
  'known-networks': 'controls',
  'one-off': 'controls',
  'rate-limit': 'controls',
  'second-factor': 'controls',
  'smaller-group': 'controls',
  // Nobody loses anything by these.
  expired: 'tidying',
  redundant: 'tidying',
};

type Tiered = { detector: DetectorName; action: Action; merges?: true };

/** The tier of a finding: by what found it, and for a repository's own detectors by what they ask for. */
export function tierOf({ detector, action, merges }: Tiered): DetectorTier {
  if (merges === true) return 'automatic';
  // However urgent a removal for the same reason would be.
  if (action === 'recertify') return 'certification';
  const known = builtIn.safeParse(detector);
  if (known.success) return detectorTiers[known.data];
  if (action === 'narrow') return 'narrowing';
  return action === 'revoke' || action === 'suspend' ? 'removal' : 'certification';
}

/** What is high or critical is not merged along with what is neither. */
export type Risk = 'high' | 'routine';
export const riskOf = (severity: Severity): Risk =>
  severity === 'high' || severity === 'critical' ? 'high' : 'routine';
