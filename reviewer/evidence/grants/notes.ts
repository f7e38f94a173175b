import { detached } from '../../../bundle/format/detached.ts';

/** What Git tells of a grant, in seconds since 1970. */
export type GrantHistory = Readonly<{
  /** The grant changed, its review aside, by a later commit than the one that wrote its review. */
  changedSinceReview: boolean;
  /** Since when it is suspended; null for an active one, and where Git does not reach back far enough to tell. */
  suspendedAt: number | null;
  /**
   * When its reach last grew: it came, was put back, reactivated, widened, or prolonged after its end; null where it was
   * there when the history began, and nothing of that happened since.
   */
  grownAt: number | null;
  /** When it last came, was put back or reactivated; null where it was there when the history began. */
  restoredAt: number | null;
  /** When it was last given to another principal; null where that did not happen since it came. */
  heldAt: number | null;
  /** When it last got another owner, likewise. */
  ownedAt: number | null;
  /** The earliest day that it named as the one on which it was given to who holds it, where it names another one now. */
  firstDated: number | null;
  /** When its review was last written; null where it was there when the history began. */
  reviewedAt: number | null;
}>;

export type Instant = 'suspendedAt' | 'grownAt' | 'restoredAt' | 'heldAt' | 'ownedAt';

/** Of those that were there when the history began, and to which nothing happened since. */
export const untouched: GrantHistory = {
  changedSinceReview: false,
  suspendedAt: null,
  grownAt: null,
  restoredAt: null,
  heldAt: null,
  ownedAt: null,
  firstDated: null,
  reviewedAt: null,
};

/** What was found of every grant that ever was, by its id. */
export function createNotes() {
  const histories = new Map<string, GrantHistory>();
  const note = (id: string, found: Partial<GrantHistory>): void => {
    histories.set(id, { ...(histories.get(id) ?? untouched), ...found });
  };
  return {
    get: (id: string): GrantHistory | undefined => histories.get(id),
    has: (id: string): boolean => histories.has(id),
    /** The first word on a grant. */
    add: (id: string, history: GrantHistory): unknown => histories.set(detached(id), history),
    note,
    /** That something happened at an instant too: what is known to be later stays. */
    noteLatest(id: string, at: number, which: readonly Instant[]): void {
      const known = histories.get(id);
      note(id, Object.fromEntries(which.map((name) => [name, Math.max(known?.[name] ?? at, at)])));
    },
    lookUp: () => lookUpIn(histories),
  };
}

/** A function of its own: what a closure over there sees stays in memory as long as the history. */
const lookUpIn =
  (histories: ReadonlyMap<string, GrantHistory>) =>
  (id: string): GrantHistory | null =>
    histories.get(id) ?? null;
