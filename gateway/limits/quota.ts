import type { Admission, Carrier } from '../decision/admission.ts';
import type { Counter } from '../decision/decision.ts';
import { Refusal } from '../http/refusal.ts';
import { type Limit, parseRate } from './limit.ts';
import { exceeded, policy } from './rateRefusal.ts';

/** Null when the request is within the limits of its principal, else why not. */
export type Quota = (
  admission: Admission,
  at: number,
  carrier: Carrier | undefined,
) => Refusal | null | Promise<Refusal | null>;

type Options = {
  limit: Limit;
  /** How many requests and upgraded connections a principal may have open at an API. */
  concurrency: number;
};

/**
 * The limits of a principal whom the policy allows. The API's rate counts per principal. A grant's own rate counts
 * when every grant that justifies the request has one; then the most generous of them decides. What is left is noted
 * in the admission. Without a carrier (somebody else serves the request) nothing is open here that could be counted.
 */
export function createQuota({ limit, concurrency }: Options): Quota {
  const counterOf = createCounters();

  /** The last one: what it takes is given back only when the request has ended. */
  const enter = (admission: Admission, carrier: Carrier | undefined): Refusal | null => {
    if (carrier === undefined || carrier.destroyed) return null;
    const counter = counterOf(admission);
    if (counter.count >= concurrency) {
      return new Refusal(429, 'concurrency-exceeded', 'Too many requests at the same time.', {
        'ratelimit-policy': `"concurrency";q=${concurrency};qu="concurrent-requests"`,
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
    admission: Admission,
    at: number,
    from: number,
    least: { wait: number; rate: string },
  ): Refusal | null | Promise<Refusal | null> => {
    const { decision, identity } = admission;
    const { grants } = decision.result;
    let { wait, rate: nearest } = least;
    for (let index = from; index < grants.length; index += 1) {
      const id = grants[index] ?? '';
      const rate = decision.facts.get(id)?.rate ?? '';
      const left = limit(`grant ${id} ${identity.subject}`, rate, at);
      if (typeof left !== 'number') {
        const soFar = { wait, rate: nearest };
        return left.then((value) => {
          if (value <= 0) return pass(admission, 'grant', rate, value);
          return takeGrants(admission, at, index + 1, value < soFar.wait ? { wait: value, rate } : soFar);
        });
      }
      if (left <= 0) return pass(admission, 'grant', rate, left);
      if (left < wait) {
        wait = left;
        nearest = rate;
      }
    }
    return exceeded('grant', nearest, wait);
  };

  const afterApi = (admission: Admission, at: number): Refusal | null | Promise<Refusal | null> => {
    const { facts, result } = admission.decision;
    if (facts.size === 0) return null;
    for (const id of result.grants) if ((facts.get(id)?.rate ?? null) === null) return null;
    return takeGrants(admission, at, 0, { wait: Number.POSITIVE_INFINITY, rate: '' });
  };

  const takeApi = (admission: Admission, at: number, key: string, rate: string) => {
    const judge = (left: number) => {
      if (left > 0) return exceeded('api', rate, left);
      pass(admission, 'api', rate, left);
      return afterApi(admission, at);
    };
    const left = limit(key, rate, at);
    return typeof left === 'number' ? judge(left) : left.then(judge);
  };

  return (admission, at, carrier) => {
    const { route, enforcement } = admission;
    const rate = enforcement.snapshot.apis.get(route.api)?.rate;
    const refusal =
      rate === undefined ? afterApi(admission, at) : takeApi(admission, at, keyOf(admission), rate);
    if (refusal === null) return enter(admission, carrier);
    if (refusal instanceof Refusal) return refusal;
    return refusal.then((value) => value ?? enter(admission, carrier));
  };
}

/** What a principal's requests at an API are counted by. */
const keyOf = ({ route, identity }: Admission): string => `api ${route.api} ${identity.subject}`;
const fewCounters = 10_000;

/** Finds a principal's counter: by what its decision remembers, or by name. */
function createCounters(): (admission: Admission) => Counter {
  const counters = new Map<string, Counter>();
  let most = fewCounters;
  const dropIdle = () => {
    for (const [key, counter] of counters) {
      if (counter.count > 0) continue;
      counter.dropped = true;
      counters.delete(key);
    }
    most = Math.max(fewCounters, counters.size * 2);
  };
  return (admission) => {
    const { derived } = admission.decision;
    if (derived.open !== null && !derived.open.dropped) return derived.open;
    const key = keyOf(admission);
    let counter = counters.get(key);
    if (counter === undefined) {
      if (counters.size >= most) dropIdle();
      counter = { count: 0, dropped: false };
      counters.set(key, counter);
    }
    derived.open = counter;
    return counter;
  };
}

/** Notes what is left: `r` at once, and a further one in `t` seconds. */
function pass(admission: Admission, name: string, rate: string, left: number): null {
  const state = `"${name}";r=${-left};t=${Math.max(1, Math.ceil(parseRate(rate).interval / 1000))}`;
  const { quota } = admission;
  admission.quota = {
    policy: quota === undefined ? policy(name, rate) : `${quota.policy}, ${policy(name, rate)}`,
    state: quota === undefined ? state : `${quota.state}, ${state}`,
  };
  return null;
}
