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

/** All that fares alike; `by` may be cut short by `more`; the counts are of all. The most frequent come first. */
export type Effects = { requests: number; callers: number; by: readonly Effect[]; more: number };

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
  denied: Effects;
  /** Allowed by base; whether head allows them, the records cannot show. */
  unproven: Effects;
  /** Allowed by both today, and by head not as long: `why` is when it ends. */
  ending: Effects;
  /** Denied by base, and allowed by head, or perhaps. */
  allowed: Effects;
  skipped: readonly Skipped[];
};

/** How many requests all of them are. */
export const sumOf = (all: readonly { requests: number }[]): number =>
  all.reduce((sum, { requests }) => sum + requests, 0);

/** The same with no more than so many callers of each kind, to be handed on. */
export function shortened(replay: Replay, most: number): Replay {
  const cut = (effects: Effects): Effects => ({
    ...effects,
    by: effects.by.slice(0, most),
    more: effects.more + Math.max(0, effects.by.length - most),
  });
  const { denied, unproven, ending, allowed, skipped } = replay;
  return {
    ...replay,
    ...{ denied: cut(denied), unproven: cut(unproven), ending: cut(ending), allowed: cut(allowed) },
    skipped: [...Map.groupBy(skipped, ({ reason }) => reason)].flatMap(([reason, all]) => {
      const rest = all.slice(most);
      const more = { reason, api: '', operation: '', requests: sumOf(rest), allowed: 0 };
      for (const { allowed } of rest) more.allowed += allowed;
      return [...all.slice(0, most), ...(rest.length > 0 ? [more] : [])];
    }),
  };
}

/** Requests that head would not even take for what they were. */
export const lostOf = ({ skipped }: Pick<Replay, 'skipped'>): readonly Skipped[] =>
  skipped.filter(({ reason }) => reason === 'operation-removed' || reason === 'route-changed');

/**
 * What a replay comes to. `harmless`: it was shown that no request of a covered window is denied, loses its way or ends
 * sooner. `affects`: some are, or might be. `unknown`: the records do not say enough to tell.
 */
export function verdictOf(replay: Replay): 'harmless' | 'affects' | 'unknown' {
  const { denied, unproven, ending, skipped, covered, requests } = replay;
  if (denied.requests + unproven.requests + ending.requests + sumOf(lostOf(replay)) > 0) return 'affects';
  const blind = skipped.some(({ reason }) => reason === 'record-incomplete');
  return covered && !blind && requests.recorded > 0 ? 'harmless' : 'unknown';
}
