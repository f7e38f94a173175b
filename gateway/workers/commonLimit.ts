// What workers count together. Each is given its part of a key's rate and of its burst, and tells nobody what it takes
// of that; when one has used up its part, all parts are collected, and the key is counted here until its allowance is
// whole again. So no more gets through than with one process, whoever asks for less than the rate is never turned away,
// and a request is a message only where a caller comes near its limit.
import type { Rate } from '../../bundle/format/rate.ts';
import { nextAfter, owedFrom } from '../limits/limit.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { longestPartMs, shareOf } from './shareOf.ts';
import type { Part, Take, Taken } from './workerMessages.ts';

export type CommonLimit = {
  take: (worker: number, takes: readonly Take[], nowMs: number) => void;
  /** What a worker had taken of the parts that were collected. */
  collected: (worker: number, round: number, parts: readonly Part[], nowMs: number) => void;
  /** The worker takes nothing any more, and this is all that it had taken. */
  returned: (worker: number, parts: readonly Part[], nowMs: number) => void;
  /** The worker has ended. Unless it has returned its parts, all of them count as used up. */
  ended: (worker: number, nowMs: number) => void;
  /** How many that have ended are remembered, because they may owe something. */
  readonly gone: number;
};

type Options = {
  /** How many share a rate. */
  workers: number;
  /** The workers that run; each is one process, not its place. */
  running: () => readonly number[];
  answer: (worker: number, answers: Taken[]) => void;
  /** What is given back is told with the same `round`. */
  collect: (worker: number, round: number, keys: string[]) => void;
  /** How long a worker that does not give back its parts is waited for. */
  patienceMs?: number;
};

/** When what is counted here is whole again, and who counts a part of its own. */
type Entry = { wholeAtMs: number; holders: number[] };
type Asked = { worker: number; take: Take };
type Collection = { round: number; entry: Entry; waiting: Asked[]; timer: NodeJS.Timeout | undefined };

/** A part of fewer requests would save no message. */
const leastPart = 4;
/** Whoever could not be counted tries again after that long. */
const againMs = 1000;

export function createCommonLimit({
  workers,
  running,
  answer,
  collect,
  patienceMs = 5000,
}: Options): CommonLimit {
  const entries = lruCache<Entry>(64 * MiB, () => 100 + 8 * workers);
  const collections = new Map<string, Collection>();
  /** Workers that have ended: until when their parts are owed at most, and when no part of any rate is. */
  const gone = new Map<number, { owedMs: (rate: Rate) => number; untilMs: number }>();

  let lastRound = 0;

  const others = (worker: number) => running().filter((one) => one !== worker && !gone.has(one));

  /** `knows`: the key is not new to the worker, so if it is to us, others may hold a part too. */
  const entryOf = (worker: number, key: string, knows: boolean): Entry => {
    const known = collections.get(key)?.entry ?? entries.get(key);
    if (known !== undefined) return known;
    const entry = { wholeAtMs: 0, holders: knows ? others(worker) : [] };
    entries.set(key, entry);
    return entry;
  };

  /** A part of what the worker owes is owed by all. */
  const giveBack = (entry: Entry, worker: number, owedMs: number, nowMs: number) => {
    entry.holders = entry.holders.filter((one) => one !== worker);
    if (owedMs > nowMs) entry.wholeAtMs = Math.max(entry.wholeAtMs, nowMs) + (owedMs - nowMs) / workers;
  };
  const giveBackOfGone = (entry: Entry, rate: Rate, nowMs: number) => {
    if (entry.holders.length === 0) return;
    const here = running();
    for (const holder of entry.holders) {
      const left = gone.get(holder);
      if (left !== undefined) giveBack(entry, holder, left.owedMs(rate), nowMs);
      // One that ended so long ago that it is forgotten owes nothing.
      else if (!here.includes(holder)) giveBack(entry, holder, 0, nowMs);
    }
  };
  const forget = (nowMs: number) => {
    const here = running();
    for (const [worker, { untilMs }] of gone)
      if (untilMs <= nowMs && !here.includes(worker)) gone.delete(worker);
  };

  /** Counts a request, or null: others must give back their parts first. */
  const count = (entry: Entry, { worker, take }: Asked, nowMs: number): Taken | null => {
    const { id, rate } = take;
    if (entry.holders.includes(worker)) return { id, owedMs: null };
    const share = shareOf(rate, workers);
    if (entry.wholeAtMs <= nowMs && share.periodMs >= leastPart * share.intervalMs) {
      entry.holders.push(worker);
      return { id, owedMs: nowMs + share.intervalMs };
    }
    if (entry.holders.length > 0) return null;
    const fromMs = owedFrom(entry.wholeAtMs, rate, nowMs);
    const next = nextAfter(fromMs, rate, nowMs);
    entry.wholeAtMs = next > 0 ? fromMs : fromMs + rate.intervalMs;
    return { id, waitMs: next };
  };

  const giveUp = (collection: Collection) => {
    collection.timer = undefined;
    for (const { worker, take } of collection.waiting.splice(0))
      answer(worker, [{ id: take.id, waitMs: againMs }]);
  };
  const wait = (key: string, entry: Entry, asked: Asked) => {
    let collection = collections.get(key);
    if (collection === undefined) {
      lastRound += 1;
      collection = { round: lastRound, entry, waiting: [], timer: undefined };
      collections.set(key, collection);
      for (const holder of entry.holders) collect(holder, lastRound, [key]);
    }
    collection.waiting.push(asked);
    collection.timer ??= setTimeout(giveUp, patienceMs, collection).unref();
  };
  /** Counts what has waited, once nobody is waited for. */
  const countWaiting = (key: string, nowMs: number) => {
    const collection = collections.get(key);
    if (collection === undefined || collection.entry.holders.length > 0) return;
    const { entry, waiting, timer } = collection;
    clearTimeout(timer);
    collections.delete(key);
    entries.set(key, entry);
    for (const asked of waiting) {
      const taken = count(entry, asked, nowMs);
      if (taken === null) wait(key, entry, asked);
      else answer(asked.worker, [taken]);
    }
  };

  const end = (worker: number, owedMs: (rate: Rate) => number, nowMs: number) => {
    forget(nowMs);
    gone.set(worker, { owedMs, untilMs: nowMs + longestPartMs });
    for (const [key, { entry, waiting }] of [...collections]) {
      const [first] = waiting;
      if (first !== undefined) giveBackOfGone(entry, first.take.rate, nowMs);
      countWaiting(key, nowMs);
    }
  };

  return {
    take(worker, takes, nowMs) {
      const answers: Taken[] = [];
      for (const take of takes) {
        const { key, rate, owedMs } = take;
        const asked = { worker, take };
        const entry = entryOf(worker, key, owedMs !== null);
        giveBackOfGone(entry, rate, nowMs);
        if (owedMs !== null) giveBack(entry, worker, owedMs, nowMs);
        if (collections.has(key)) {
          wait(key, entry, asked);
          countWaiting(key, nowMs);
          continue;
        }
        const taken = count(entry, asked, nowMs);
        if (taken === null) wait(key, entry, asked);
        else answers.push(taken);
      }
      if (answers.length > 0) answer(worker, answers);
    },
    collected(worker, round, parts, nowMs) {
      for (const [key, owedMs] of parts) {
        const collection = collections.get(key);
        // It may have given its part back with a question, and have another since.
        if (collection?.round !== round || !collection.entry.holders.includes(worker)) continue;
        giveBack(collection.entry, worker, owedMs, nowMs);
        countWaiting(key, nowMs);
      }
    },
    returned(worker, parts, nowMs) {
      for (const [key, owedMs] of parts) giveBack(entryOf(worker, key, true), worker, owedMs, nowMs);
      end(worker, () => 0, nowMs);
    },
    ended(worker, nowMs) {
      if (!gone.has(worker)) end(worker, (rate) => nowMs + shareOf(rate, workers).periodMs, nowMs);
    },
    get gone() {
      return gone.size;
    },
  };
}
