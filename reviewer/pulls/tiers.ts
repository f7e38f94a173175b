import type { Detector } from '../../bundle/grants/schema.ts';

/** Findings of a tier ask for the same kind of answer, so they share a pull request. */
export type DetectorTier = 'urgent' | 'removal' | 'narrowing' | 'certification';

export const detectorTiers: Readonly<Record<Detector, DetectorTier>> = {
  'orphan-disabled': 'urgent',
  'orphan-missing': 'urgent',
  expired: 'removal',
  'never-used': 'removal',
  dormant: 'removal',
  redundant: 'removal',
  'over-privileged': 'narrowing',
  'separation-of-duties': 'narrowing',
  expiring: 'certification',
  ownerless: 'certification',
  'high-access': 'certification',
  mover: 'certification',
  growth: 'certification',
};
