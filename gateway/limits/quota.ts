import { anonymous } from '../../bundle/format/anonymous.ts';
import type { Allowance, Carrier, Decided } from '../decision/admission.ts';
import type { OpenCount } from '../decision/decision.ts';
import { networkOf } from '../http/networkOf.ts';
import { Refusal } from '../http/refusal.ts';
import { remember } from '../memory/remember.ts';
import { type Limit, mostRates, parseRate } from './limit.ts';
import { exceeded, policy } from './rateRefusal.ts';

/** What is left where the request is within the limits of its principal (null: there are no rates), else why not. */
export type Quota = (
  decided: Decided,
  at: number,
  carrier: Carrier | undefined,
) => Promise<Refusal | Allowance | null>;

type Options = {
  limit: Limit;
  /** How many requests and upgraded connections a principal may have open at an API, at the moment. */
  concurrency: () => number;
};

/**
 * The limits of a principal whom the policy allows. The API's rate counts per principal. A grant's own rate counts
 * when every grant that justifies the request has one; then the most generous of them decides. Without a carrier (somebody else serves the request) nothing is open here that could be counted.
 */
export function createQuota({ limit, concurrency }: Options): Quota {
  const counterOf = createCounters();
  const passed = createPassed();

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

  type Left = Refusal | Allowance | null;

  const takeGrants = async (decided: Decided, at: number, before: Allowance | null): Promise<Left> => {
    const { facts, result } = decided.decision;
    if (facts.size === 0) return before;
    for (const id of result.grants) if ((facts.get(id)?.rate ?? null) === null) return before;
    let least = { wait: Number.POSITIVE_INFINITY, rate: '' };
    for (const id of result.grants) {
      const rate = facts.get(id)?.rate ?? '';
      const left = await limit(`grant ${id} ${decided.identity.subject}`, rate, at);
      if (left <= 0) return passed(before, 'grant', rate, left);
      if (left < least.wait) least = { wait: left, rate };
    }
    return exceeded('grant', least.rate, least.wait);
  };

  const take = async (decided: Decided, at: number): Promise<Left> => {
    const { route, enforcement } = decided;
    const rate = enforcement.snapshot.apis.get(route.api)?.rate;
    if (rate === undefined) return takeGrants(decided, at, null);
    const left = await limit(keyOf(decided), rate, at);
    if (left > 0) return exceeded('api', rate, left);
    return takeGrants(decided, at, passed(null, 'api', rate, left));
  };

  return async (decided, at, carrier) => {
    const left = await take(decided, at);
    return left instanceof Refusal ? left : (enter(decided, carrier) ?? left);
  };
}

const isAnonymous = ({ identity }: Decided): boolean => identity.subject === anonymous;

/** What a principal's requests at an API are counted by; those of nobody in particular, by where they come from. */
const keyOf = (decided: Decided): string =>
  `api ${decided.route.api} ${decided.identity.subject}${isAnonymous(decided) ? ` ${networkOf(decided.address)}` : ''}`;
const fewCounters = 10_000;

/** Finds a principal's counter: by what its decision remembers, or by name. */
function createCounters(): (decided: Decided) => OpenCount {
  const counters = new Map<string, OpenCount>();
  let most = fewCounters;
  const dropIdle = () => {
    for (const [key, counter] of counters) {
      if (counter.count > 0) continue;
      counter.dropped = true;
      counters.delete(key);
    }
    most = Math.max(fewCounters, counters.size * 2);
  };
  return (decided) => {
    const { memory } = decided.decision;
    const shared = isAnonymous(decided);
    if (!shared && memory.open !== null && !memory.open.dropped) return memory.open;
    const key = keyOf(decided);
    let counter = counters.get(key);
    if (counter === undefined) {
      if (counters.size >= most) dropIdle();
      counter = { count: 0, dropped: false };
      counters.set(key, counter);
    }
    if (!shared) memory.open = counter;
    return counter;
  };
}

/** What is left, beside what was `before`: `r` at once, and a further one in `t` seconds. */
function createPassed() {
  const textsOf = (name: string) =>
    remember((rate: string) => {
      const seconds = Math.max(1, Math.ceil(parseRate(rate).interval / 1000));
      return { policy: policy(name, rate), next: `;t=${seconds}` };
    }, mostRates);
  const texts = { api: textsOf('api'), grant: textsOf('grant') };
  return (before: Allowance | null, name: 'api' | 'grant', rate: string, left: number): Allowance => {
    const { policy, next } = texts[name](rate);
    const state = `"${name}";r=${-left}${next}`;
    if (before === null) return { policy, state };
    return { policy: `${before.policy}, ${policy}`, state: `${before.state}, ${state}` };
  };
}
