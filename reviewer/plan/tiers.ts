import type { Detector } from '../../bundle/grants/schema.ts';
import type { Severity } from '../detect/judge.ts';

/** Findings of a tier ask for the same kind of answer, so they share a pull request. */
export const detectorTierNames = ['urgent', 'removal', 'narrowing', 'certification', 'tidying'] as const;
export type DetectorTier = (typeof detectorTierNames)[number];

export const detectorTiers: Readonly<Record<Detector, DetectorTier>> = {
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
  // Nobody loses anything by these.
  expired: 'tidying',
  redundant: 'tidying',
};

/** What is high or critical is not merged along with what is neither. */
export type Risk = 'high' | 'routine';
export const riskOf = (severity: Severity): Risk =>
  severity === 'high' || severity === 'critical' ? 'high' : 'routine';
