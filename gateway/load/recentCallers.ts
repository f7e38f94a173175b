import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AllowedCall } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import { identityBytes, stillProved } from '../identity/identify.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { routeOf } from '../request/routeOf.ts';
import { sameLines } from '../revision/slices.ts';

/** Who was allowed lately, to see what a new revision would take from them. */
export type RecentCallers = {
  /** Takes note of an allowed call. Cheap: it is called for every request. */
  note(call: AllowedCall): void;
  /**
   * Of the calls allowed in the last day that `before` would still allow, how many `after` would deny. Only those whose
   * lines changed are decided, and never for longer than two milliseconds in one turn of the event loop.
   */
  compare(before: Enforcement, after: Enforcement): Promise<{ calls: number; denied: number }>;
};

type Kept = AllowedCall & { atMs: number };

const mostBytes = 32 * MiB;
const dayMs = 86_400_000;
/** A caller is put down anew once a minute at most. */
const againMs = 60_000;
const perTurnMs = 2;

export function createRecentCallers({ now }: { now: () => number }): RecentCallers {
  const kept = lruCache<Kept>(
    mostBytes,
    ({ identity, path = '', stated }) => identityBytes(identity) + 2 * path.length + statedBytes(stated),
  );

  /** Null where the call would not be allowed any more in any case: then it tells nothing about the change. */
  const survives = (call: Kept, before: Enforcement, after: Enforcement): boolean | null => {
    const time = Math.floor(now() / 1000);
    if (allows(after, call, time)) return true;
    return allows(before, call, time) ? false : null;
  };

  return {
    note(call) {
      const { identity, route } = call;
      const { subject } = identity;
      const key = `${subject.length} ${subject} ${route.api} ${route.operation}`;
      const atMs = now();
      const known = kept.get(key);
      if (known !== undefined && Math.abs(atMs - known.atMs) < againMs) return;
      kept.set(key, { ...call, atMs });
    },
    async compare(before, after) {
      const untouched = createUntouched(before, after);
      const sinceMs = now() - dayMs;
      let [calls, denied] = [0, 0];
      let beganMs = performance.now();
      for (const call of [...kept.values()]) {
        if (call.atMs < sinceMs) continue;
        const survived = untouched(call) || survives(call, before, after);
        if (survived !== null) calls += 1;
        if (survived === false) denied += 1;
        if (performance.now() - beganMs < perTurnMs) continue;
        await nextTurn();
        beganMs = performance.now();
      }
      return { calls, denied };
    },
  };
}

/** Roughly: a few short texts each, and lists where there are any. */
const statedBytes = (stated: AllowedCall['stated']): number =>
  stated === undefined
    ? 0
    : [stated.params, stated.claims, stated.facts ?? []].reduce(
        (sum, one) => sum + 200 + 6 * JSON.stringify([...one]).length,
        0,
      );

/** What throws allows nothing. */
function allows(by: Enforcement, call: AllowedCall, time: number): boolean {
  const { identity, route, address, networks, path, stated } = call;
  try {
    const found = routeOf(by.snapshot.apis, route.api, route.operation);
    if (found === null || !stillProved(identity, route.api, by.snapshot)) return false;
    const within =
      address === null ? networks.filter((name) => by.snapshot.networks.has(name)) : by.networksOf(address);
    return by.decide({
      ...{ identity, ...found, networks: within, time },
      ...(path !== undefined && { path }),
      ...(stated !== undefined && { stated }),
    }).result.allow;
  } catch {
    return false;
  }
}

/** Whether nothing changed that a call rests on; compared once for all calls of a caller at an API. */
function createUntouched(before: Enforcement, after: Enforcement): (call: AllowedCall) => boolean {
  const known = new Map<string, boolean>();
  return ({ identity, route }) => {
    const { subject, groups } = identity;
    // A credential may have been withdrawn while the lines are what they were.
    if (!stillProved(identity, route.api, after.snapshot)) return false;
    const same = () => sameLines(before.snapshot, after.snapshot, route.api, subject, groups ?? undefined);
    if (groups !== null) return same();
    const key = `${route.api} ${subject}`;
    const answer = known.get(key) ?? same();
    known.set(key, answer);
    return answer;
  };
}
