import { anonymous } from '../../bundle/data/anonymous.ts';
import type { Rate } from '../../bundle/format/rate.ts';
import type { Carrier, Decided, RateLimitHeaders } from '../decision/admission.ts';
import type { Decision, OpenCount } from '../decision/decision.ts';
import { networkOf } from '../http/networkOf.ts';
import { Refusal } from '../http/refusal.ts';
import { whenKnown } from '../memory/whenKnown.ts';
import type { Limit } from './limit.ts';
import { rateExceeded, ratePolicy } from './rateRefusal.ts';

type Left = Refusal | RateLimitHeaders | null;

/**
 * What is left where the request is within the limits of its principal (null: there are no rates), else why not. A
 * promise only where others have to be asked, or grants have rates.
 */
export type Quota = (decided: Decided, atMs: number, carrier: Carrier | undefined) => Left | Promise<Left>;

type Options = {
  limit: Limit;
  /** How many requests and upgraded connections a principal may have open at an API, at the moment. */
  concurrency: () => number;
  /** Past so many principals, idle ones are forgotten. */
  mostIdle?: number;
};

/**
 * The limits of a principal whom the policy allows. The API's rate counts per principal. A grant's own rate counts
 * when every grant that justifies the request has one; then each lets through its own, and what one has no more, the
 * next gives: what is whole again soonest first, of rates that are alike by the ids of their grants. Differences of
 * access count on that. Without a carrier (somebody else serves the request) nothing is open here that could be counted.
 */
export function createQuota({ limit, concurrency, mostIdle = 50_000 }: Options): Quota {
  const counterOf = createCounters(mostIdle);

  /** The last one: what it takes is given back only when the request has ended. */
  const enter = (decided: Decided, carrier: Carrier | undefined): Refusal | null => {
    if (carrier === undefined || carrier.destroyed) return null;
    const counter = counterOf(decided);
    const most = concurrency();
    if (counter.count >= most) {
      return new Refusal(429, 'concurrency-exceeded', 'Too many requests at the same time.', {
        'ratelimit-policy': `"concurrency";q=${most};qu="concurrent-requests"`,
        ratelimit: '"concurrency";r=0',
        'retry-after': '1',
      });
    }
    counter.count += 1;
    carrier.onEnd(() => {
      counter.count -= 1;
    });
    return null;
  };

  const takeGrants = (
    decided: Decided,
    atMs: number,
    before: RateLimitHeaders | null,
  ): Left | Promise<Left> => {
    const { bounds, result } = decided.decision;
    if (bounds.size === 0) return before;
    // One without a rate lets through what the others have no more.
    for (const id of result.grants) if ((bounds.get(id)?.rate ?? null) === null) return before;
    return takeRates(bounds, decided, atMs, before);
  };

  const takeRates = async (
    bounds: Decision['bounds'],
    { identity }: Decided,
    atMs: number,
    before: RateLimitHeaders | null,
  ): Promise<Left> => {
    let refusal: Refusal | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const [id, { rate }] of bounds) {
      if (rate === null) continue;
      const left = await limit(`grant ${id} ${identity.subject}`, rate, atMs);
      if (left <= 0) return passed(before, 'grant', rate, left);
      if (left >= least) continue;
      least = left;
      refusal = rateExceeded('grant', rate, left);
    }
    return refusal ?? before;
  };

  const take = (decided: Decided, atMs: number): Left | Promise<Left> => {
    const { route, enforcement } = decided;
    const rate = enforcement.snapshot.apis.get(route.api)?.rate;
    if (rate === undefined) return takeGrants(decided, atMs, null);
    const after = (left: number) =>
      left > 0 ? rateExceeded('api', rate, left) : takeGrants(decided, atMs, passed(null, 'api', rate, left));
    return whenKnown(limit(keyOf(decided), rate, atMs), after);
  };

  return (decided, atMs, carrier) => {
    const entered = (left: Left): Left =>
      left instanceof Refusal ? left : (enter(decided, carrier) ?? left);
    return whenKnown(take(decided, atMs), entered);
  };
}

const isAnonymous = ({ identity }: Decided): boolean => identity.subject === anonymous;

/** What a principal's requests at an API are counted by; those of nobody in particular, by where they come from. */
const keyOf = (decided: Decided): string =>
  `api ${decided.route.api} ${decided.identity.subject}${isAnonymous(decided) ? ` ${networkOf(decided.address)}` : ''}`;
/** So many are looked at for each new one: while half of them are idle, their number does not grow. */
const looks = 2;

/**
 * Finds a principal's counter: by what its decision remembers, or by name. Past so many, idle ones are forgotten a few at
 * a time, in turns through all of them: to go through them at once would keep requests waiting.
 */
function createCounters(mostIdle: number): (decided: Decided) => OpenCount {
  const counters = new Map<string, OpenCount>();
  let hand = counters.entries();
  const dropIdle = () => {
    for (let looked = 0; looked < looks; looked += 1) {
      const next = hand.next();
      if (next.done === true) {
        hand = counters.entries();
        return;
      }
      const [key, counter] = next.value;
      if (counter.count > 0) continue;
      counter.dropped = true;
      counters.delete(key);
    }
  };
  return (decided) => {
    const { memory } = decided.decision;
    const shared = isAnonymous(decided);
    if (!shared && memory.open !== null && !memory.open.dropped) return memory.open;
    const key = keyOf(decided);
    let counter = counters.get(key);
    if (counter === undefined) {
      if (counters.size >= mostIdle) dropIdle();
      counter = { count: 0, dropped: false };
      counters.set(key, counter);
    }
    if (!shared) memory.open = counter;
    return counter;
  };
}

/** What is left, beside what was `before`: `r` at once, and a further one in `t` seconds. */
function passed(
  before: RateLimitHeaders | null,
  name: 'api' | 'grant',
  rate: Rate,
  left: number,
): RateLimitHeaders {
  const seconds = Math.max(1, Math.ceil(rate.intervalMs / 1000));
  const here = { policy: ratePolicy(name, rate), state: `"${name}";r=${-left};t=${seconds}` };
  if (before === null) return here;
  return { policy: `${before.policy}, ${here.policy}`, state: `${before.state}, ${here.state}` };
}
