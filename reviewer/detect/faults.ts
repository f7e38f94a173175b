import type { DetectorName } from '../../bundle/grants/names.ts';
import { ReviewError } from '../reviewError.ts';

/**
 * What could not be judged: one grant, of which the policies contradict themselves; what one detector would find, of
 * one grant or, without one, of all.
 */
export type Fault = { grant?: string; detector?: DetectorName; message: string };

export type Faults = {
  /** In the order in which they came. */
  all: readonly Fault[];
  /** Notes what a grant, or one detector's word on it, failed by; once of each. Throws whatever is no ReviewError. */
  note(grant: string, error: unknown, detector?: DetectorName): void;
};

/** Gathers what could not be judged, so that everything else is. */
export function createFaults(broken: readonly Fault[]): Faults {
  const all = [...broken];
  const noted = new Set<string>();
  return {
    all,
    note(grant, error, detector) {
      if (!(error instanceof ReviewError)) throw error;
      const key = `${grant} ${detector ?? ''}`;
      if (!noted.has(key)) all.push({ grant, ...(detector && { detector }), message: error.message });
      noted.add(key);
    },
  };
}
