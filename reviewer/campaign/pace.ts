import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Forge } from '../forge/forge.ts';
import { ReviewError } from '../reviewError.ts';

/** What a forge bears: writes in a minute; and, of these, what people are told of, in an hour. */
export type Caps = { perMinute: number; noticesPerHour: number };
/** Both in ms; a test's clock takes no time. */
export type Clock = { now: () => number; sleep: (ms: number) => Promise<void> };
type Kind = 'write' | 'notice';

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** When the next write may be made at the earliest, by what has been made. Pure; ms since 1970. */
function earliest(kind: Kind, nowMs: number, made: Made, { perMinute, noticesPerHour }: Caps): number {
  const after = (times: readonly number[], most: number, windowMs: number) =>
    (times.at(-most) ?? Number.NEGATIVE_INFINITY) + windowMs;
  const byMinute = after(made.writes, perMinute, minuteMs);
  return kind === 'write'
    ? Math.max(nowMs, byMinute)
    : Math.max(nowMs, byMinute, after(made.notices, noticesPerHour, hourMs));
}

type Made = { writes: number[]; notices: number[] };
function note(kind: Kind, atMs: number, made: Made, { perMinute, noticesPerHour }: Caps): void {
  made.writes.push(atMs);
  if (kind === 'notice') made.notices.push(atMs);
  // What is older than the windows is not asked for again.
  if (made.writes.length > 2 * perMinute) made.writes.splice(0, perMinute);
  if (made.notices.length > 2 * noticesPerHour) made.notices.splice(0, noticesPerHour);
}

export type Pace = {
  /** Waits until a write may be made. */
  take(kind: Kind): Promise<void>;
  /** When so many more writes of each kind, one after the other, will have been made; ms since 1970. */
  doneAt(kinds: readonly Kind[]): number;
  /** How many have been made. */
  writes(): number;
};

/** Keeps writes within the caps of a forge, over windows that slide. */
export function createPace(caps: Caps, { now, sleep }: Clock): Pace {
  const made: Made = { writes: [], notices: [] };
  let count = 0;
  return {
    async take(kind) {
      for (let waitMs = 1; waitMs > 0; ) {
        const atMs = now();
        waitMs = earliest(kind, atMs, made, caps) - atMs;
        if (waitMs > 0) await sleep(waitMs);
      }
      note(kind, now(), made, caps);
      count += 1;
    },
    doneAt(kinds) {
      const ahead: Made = { writes: [...made.writes], notices: [...made.notices] };
      let atMs = now();
      for (const kind of kinds) {
        atMs = earliest(kind, atMs, ahead, caps);
        note(kind, atMs, ahead, caps);
      }
      return atMs;
    },
    writes: () => count,
  };
}

/** The clock on the wall; a sleep ends with ReviewError `aborted` once the signal fires. */
export const wallClock = (signal?: AbortSignal): Clock => ({
  now: Date.now,
  sleep: (ms) =>
    sleepFor(ms, undefined, { signal }).catch(() => {
      throw new ReviewError('aborted', 'the review was stopped');
    }),
});

/** A forge whose writes keep a pace; what it reads does not wait. */
export function paced(forge: Forge, pace: Pace): Forge {
  const behind =
    <A extends unknown[], R>(kind: Kind, work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await pace.take(kind);
      return work(...args);
    };
  return {
    ...forge,
    createPull: behind('notice', forge.createPull),
    requestReviewers: behind('notice', forge.requestReviewers),
    comment: behind('notice', forge.comment),
    createIssue: behind('notice', forge.createIssue),
    updatePull: behind('write', forge.updatePull),
    mergePull: behind('write', forge.mergePull),
    addLabels: behind('write', forge.addLabels),
    react: behind('write', forge.react),
    updateIssue: behind('write', forge.updateIssue),
    setStatus: behind('write', forge.setStatus),
  };
}
