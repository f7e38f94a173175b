import type { AllowedCall } from '../decision/admission.ts';
import { type Enforcement, enforce, sameRouter } from '../decision/enforcement.ts';
import { createRouterInTurns } from '../request/route.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { held, heldFrom } from './held.ts';
import type { LoadError } from './loadError.ts';
import { createRecentCallers } from './recentCallers.ts';

export type HoldBack = {
  /**
   * A snapshot put in force after the one that is: as it was judged, where it was. Throws when it cannot be served.
   */
  enforced: (snapshot: Snapshot) => Enforcement;
  /** Takes note of an allowed call. */
  note: (call: AllowedCall) => void;
  /** Why a snapshot must not yet be put in force; null when nothing speaks against it. Throws when it cannot be served. */
  judge: (snapshot: Snapshot) => Promise<LoadError | null>;
};

type Options = {
  /** The share of the calls allowed lately that one revision may deny, at the moment. */
  share: () => number;
  enforcement: () => Enforcement | null;
  /** Milliseconds since 1970. */
  now: () => number;
};

/** Holds back a revision that would turn away many of those who were allowed lately. */
export function createHoldBack({ share, enforcement, now }: Options): HoldBack {
  const recent = createRecentCallers({ now });
  /** What was judged last and may be put in force. */
  let judged: { before: Enforcement; next: Enforcement } | null = null;
  return {
    note: recent.note,
    enforced(snapshot) {
      const before = enforcement();
      const ready = judged?.next.snapshot === snapshot && judged.before === before ? judged.next : null;
      judged = null;
      return ready ?? enforce(snapshot, before);
    },
    async judge(snapshot) {
      const before = enforcement();
      const most = share();
      if (before === null || most >= 1) return null;
      const router = sameRouter(snapshot, before) ?? (await createRouterInTurns(snapshot.apis));
      const next = enforce(snapshot, before, router);
      const { calls, denied } = await recent.compare(before, next);
      if (calls < heldFrom || denied <= calls * most) {
        judged = { before, next };
        return null;
      }
      return held(snapshot.revision, `would deny ${denied} of ${calls} calls that were allowed lately`);
    },
  };
}
