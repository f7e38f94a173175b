import type { Window } from '../evidence/requests.ts';

/** What becomes of the requests of one caller for one operation. Instants are seconds since 1970. */
export type Effect = {
  subject: string;
  api: string;
  operation: string;
  requests: number;
  first: number;
  last: number;
  /** The grants that allow them: by base, or for what becomes allowed by head; sorted. */
  grants: readonly string[];
  /** Of what is denied, the decision's reason code; else what cannot be shown, or when it ends. */
  why: string;
};

/** Why requests could not be decided by both revisions. */
export type Skipped = {
  /**
   * `operation-removed`, `route-changed`: head would not take them for what they were. `operation-unknown`: base does
   * not know the operation either. `record-incomplete`: nobody can tell from the record what was asked.
   */
  reason: 'operation-removed' | 'route-changed' | 'operation-unknown' | 'record-incomplete';
  /** Empty where the record does not say. */
  api: string;
  operation: string;
  requests: number;
  /** Those of them that were allowed then. */
  allowed: number;
};

/**
 * What the recorded requests of a window say of a change: each decided by both revisions as if it came again at `asOf`.
 * This is all that flows on; texts and comments are made of it.
 */
export type Replay = {
  base: string;
  head: string;
  /** Seconds since 1970. */
  asOf: number;
  window: Window;
  /** Records are covered well enough for silence to mean something. */
  covered: boolean;
  /** Requests on record; those decided by both; of these, allowed by base; allowed then, and denied by base by now. */
  requests: { recorded: number; replayed: number; allowed: number; lapsed: number };
  /** Allowed by base, denied by head. */
  denied: readonly Effect[];
  /** Allowed by base; whether head allows them, the records cannot show. */
  unproven: readonly Effect[];
  /** Allowed by both today, and by head not as long: `why` is when it ends. */
  ending: readonly Effect[];
  /** Denied by base, and allowed by head, or perhaps. */
  allowed: readonly Effect[];
  skipped: readonly Skipped[];
};

export const sumOf = (effects: readonly { requests: number }[]): number =>
  effects.reduce((sum, { requests }) => sum + requests, 0);

/** Requests that head would not even take for what they were. */
export const lostOf = ({ skipped }: Pick<Replay, 'skipped'>): readonly Skipped[] =>
  skipped.filter(({ reason }) => reason === 'operation-removed' || reason === 'route-changed');

/**
 * What a replay comes to. `harmless`: it was shown that no request of a covered window is denied, loses its way or ends
 * sooner. `affects`: some are, or might be. `unknown`: the records do not say enough to tell.
 */
export function verdictOf(replay: Replay): 'harmless' | 'affects' | 'unknown' {
  const { denied, unproven, ending, skipped, covered, requests } = replay;
  if (denied.length + unproven.length + ending.length + lostOf(replay).length > 0) return 'affects';
  const blind = skipped.some(({ reason }) => reason === 'record-incomplete');
  return covered && !blind && requests.recorded > 0 ? 'harmless' : 'unknown';
}
