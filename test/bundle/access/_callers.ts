import type { GrantLine, ParamsLine } from '../../../bundle/data/grantLine.ts';
import { bySoonest, parseRate } from '../../../bundle/format/rate.ts';
import type { Decided } from '../../../gateway/decision/admission.ts';
import { newMemory } from '../../../gateway/decision/decision.ts';
import { boundsOf } from '../../../gateway/decision/readLines.ts';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { createLimit } from '../../../gateway/limits/limit.ts';
import { createQuota } from '../../../gateway/limits/quota.ts';

// What grants with rates let through, found by trying: by the gateway itself, and by all that may follow.

export const names = ['get', 'list', 'make'];

export type Request = {
  operation: string;
  present: string[];
  mfa: boolean;
  tenant: string;
  org: string;
  time: number;
};
export const requests: Request[] = names.flatMap((operation) =>
  [[], ['office'], ['vpn'], ['office', 'vpn']].flatMap((present) =>
    [false, true].flatMap((mfa) =>
      ['acme', 'beta', 'other'].flatMap((tenant) =>
        ['acme', 'other', 'none'].flatMap((org) =>
          [0, 100].map((time) => ({ operation, present, mfa, tenant, org, time })),
        ),
      ),
    ),
  ),
);

/** As the policy decides. */
function allows({ operations, expires, conditions = {} }: GrantLine, asked: Request): boolean {
  const { networks, mfa, params = {} } = conditions;
  const has = (wanted: ParamsLine[string]) =>
    'claim' in wanted ? asked.org === asked.tenant : wanted.includes(asked.tenant);
  return (
    operations.includes(asked.operation) &&
    (expires === undefined || asked.time < expires) &&
    (networks === undefined || networks.some((one) => asked.present.includes(one))) &&
    (mfa !== true || asked.mfa) &&
    Object.values(params).every(has)
  );
}

/** A gateway's answers to one caller: whether each request passes. */
function gateway(grants: readonly GrantLine[], rate?: string) {
  const apis = new Map([['orders', { ...(rate !== undefined && { rate: parseRate(rate) }) }]]);
  const quota = createQuota({ limit: createLimit(), concurrency: () => 1 });
  return async (asked: Request, at: number): Promise<boolean> => {
    const holding = grants.filter((grant) => allows(grant, asked));
    if (holding.length === 0) return false;
    const ids = holding.map(({ id }) => id).sort();
    const rateOf = ({ rate: text }: GrantLine) => (text === undefined ? null : parseRate(text));
    const bounds = new Map(holding.map((one) => [one.id, { rate: rateOf(one), expires: null }]));
    const decided = {
      ...{ route: { api: 'orders' }, identity: { subject: 'user:ann' } },
      enforcement: { snapshot: { apis } },
      decision: {
        result: { grants: ids },
        bounds: boundsOf(ids, [{ bounds, ends: [], params: [], claims: [] }]),
        memory: newMemory(),
      },
    } as unknown as Decided;
    return !((await quota(decided, at, undefined)) instanceof Refusal);
  };
}

/** Milliseconds between two requests that may matter: all rates here give one each 250, 500 or 1,000. */
const unit = 250;
export type Step = { gap: number; asked: Request };

/** Looks through everything that may follow from all requests, until one passes on one side only; null: none ever does. */
export function difference(
  before: readonly GrantLine[],
  after: readonly GrantLine[],
  asked: readonly Request[],
) {
  const sides = [before, after].map((grants) =>
    grants.map((grant) => ({ grant, rate: grant.rate === undefined ? null : parseRate(grant.rate) })),
  );
  const plan = (side: number, one: Request): readonly number[] | 'free' => {
    const all = sides[side] ?? [];
    const holding = all.flatMap(({ grant, rate }, index) => (allows(grant, one) ? [{ index, rate }] : []));
    if (holding.some(({ rate }) => rate === null)) return 'free';
    return holding
      .sort((a, b) => (a.rate && b.rate ? bySoonest(a.rate, b.rate) : 0))
      .map(({ index }) => index);
  };
  const kinds = new Map<string, { asked: Request; plans: (readonly number[] | 'free')[] }>();
  for (const one of asked) {
    const plans = [plan(0, one), plan(1, one)];
    kinds.set(JSON.stringify(plans), { asked: one, plans });
  }
  type State = { owed: number[][]; path: Step[] };
  const seen = new Set<string>();
  let edge: State[] = [{ owed: sides.map((all) => all.map(() => 0)), path: [] }];
  while (edge.length > 0) {
    const next: State[] = [];
    for (const { owed, path } of edge)
      for (const gap of [0, 1, 2])
        for (const { asked: one, plans } of kinds.values()) {
          const now = owed.map((all) => all.map((value) => Math.max(0, value - gap)));
          const passes = plans.map((takes, side) => {
            if (takes === 'free') return true;
            const all = now[side] ?? [];
            const from = takes.find((index) => {
              const { intervalMs, periodMs } = sides[side]?.[index]?.rate ?? { intervalMs: 0, periodMs: 0 };
              return (all[index] ?? 0) * unit + intervalMs <= periodMs;
            });
            if (from === undefined) return false;
            all[from] = (all[from] ?? 0) + (sides[side]?.[from]?.rate?.intervalMs ?? 0) / unit;
            return true;
          });
          const steps = [...path, { gap, asked: one }];
          if (passes[0] !== passes[1]) return steps;
          const text = JSON.stringify(now);
          if (seen.has(text)) continue;
          seen.add(text);
          next.push({ owed: now, path: steps });
        }
    edge = next;
  }
  return null;
}

/** Whether each step passes; `rate` is the API's own. */
export async function answers(
  grants: readonly GrantLine[],
  steps: readonly Step[],
  rate?: string,
): Promise<boolean[]> {
  const ask = gateway(grants, rate);
  const passed: boolean[] = [];
  let at = 1_800_000_000_000;
  for (const { gap, asked } of steps) {
    at += gap * unit;
    passed.push(await ask(asked, at));
  }
  return passed;
}

/** How much a request is let through at once and in the long run, by all grants together. */
export function capacity(grants: readonly GrantLine[], asked: Request): { count: number; pace: number } {
  const rates = grants.filter((grant) => allows(grant, asked)).map(({ rate }) => rate);
  if (rates.includes(undefined)) return { count: 1e9, pace: 1e9 };
  const all = rates.flatMap((rate) => (rate === undefined ? [] : [parseRate(rate)]));
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    pace: all.reduce((sum, { intervalMs }) => sum + 1 / intervalMs, 0),
  };
}
