import { hash } from 'node:crypto';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { type Rate, rateOf } from '../../bundle/format/rate.ts';
import { dayMs } from '../../bundle/format/times.ts';
import { networkOf } from '../http/networkOf.ts';
import { Refusal } from '../http/refusal.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { whenKnown } from '../memory/whenKnown.ts';
import type { Limit } from './limit.ts';
import { rateExceeded } from './rateRefusal.ts';

/** What one address may ask before it has proved who it is. */
export type AddressGate = {
  /** Counts a request. Throws Refusal 429 when the address asks too often, or has guessed too often. */
  arrive: (address: string, nowMs: number) => void;
  /** Somebody there sent a credential that is not valid. */
  failed: (address: string, rawHeaders: readonly string[], nowMs: number) => void;
};

type Options = {
  limit: Limit;
  /** At the moment: requests of one address, and wrong credentials of one in a minute. */
  bounds: () => { rate: Rate; failedLogins: number };
};

/**
 * Nobody waits for a store here: what it says comes too late for the request that it counted, and holds for the next.
 * Wrong credentials are counted by the minute, by the hour (5 times as many) and by the day (20 times): whoever goes
 * on guessing waits for seconds first, then for minutes. The same wrong credential again is no other guess, so a
 * program with a key that was revoked does not shut out its neighbours.
 */
export function createAddressGate({ limit, bounds }: Options): AddressGate {
  const shut = lruCache<{ untilMs: number; refusal: (waitMs: number) => Refusal }>(32 * MiB);
  const guesses = lruCache<true>(32 * MiB);

  const overRate = (waitMs: number) =>
    rateExceeded('address', bounds().rate, waitMs, 'address-rate-exceeded');
  const overGuesses = (waitMs: number) =>
    new Refusal(429, 'logins-exceeded', 'Too many credentials from there were not valid.', {
      'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))),
    });
  const shutOut = (from: string, waitMs: number, nowMs: number, refusal: (waitMs: number) => Refusal) => {
    if (waitMs > 0 && (shut.get(from)?.untilMs ?? 0) < nowMs + waitMs)
      shut.set(from, { untilMs: nowMs + waitMs, refusal });
  };

  return {
    arrive(address, nowMs) {
      // It is this machine itself, or a proxy on it that was not named: then it is everybody.
      if (isLoopback(address)) return;
      const from = networkOf(address);
      if (shut.size > 0) {
        const entry = shut.get(from);
        // A clock that was set back keeps nobody out longer than the day the longest wait is counted by.
        if (entry !== undefined && entry.untilMs > nowMs && entry.untilMs < nowMs + dayMs)
          throw entry.refusal(entry.untilMs - nowMs);
        if (entry !== undefined) shut.delete(from);
      }
      const waitMs = limit(`address ${from}`, bounds().rate, nowMs);
      if (typeof waitMs !== 'number') void waitMs.then((value) => shutOut(from, value, nowMs, overRate));
      else if (waitMs > 0) throw overRate(waitMs);
    },
    failed(address, rawHeaders, nowMs) {
      if (isLoopback(address)) return;
      const from = networkOf(address);
      const guess = hash('sha256', `${from} ${credentialsOf(rawHeaders)}`, 'base64url');
      if (guesses.has(guess)) return;
      guesses.set(guess, true);
      const { failedLogins } = bounds();
      for (const [unit, count, periodMs] of guessTiers) {
        const tier = rateOf(failedLogins * count, periodMs);
        void whenKnown(limit(`guess ${from} ${unit}`, tier, nowMs), (waitMs) =>
          shutOut(from, waitMs, nowMs, overGuesses),
        );
      }
    },
  };
}

/** Unit, how many times as many as in a minute, milliseconds. */
const guessTiers = [
  ['min', 1, 60_000],
  ['h', 5, 3_600_000],
  ['day', 20, dayMs],
] as const;

function credentialsOf(rawHeaders: readonly string[]): string {
  let text = '';
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    if (name === 'authorization' || name === 'x-api-key') text += ` ${rawHeaders[index + 1]}`;
  }
  return text;
}
