import type { Detector } from '../../../bundle/grants/names.ts';
import { type Random, random } from '../../../demo/random.ts';
import { asOfMs, dayMs, type Use } from '../_review.ts';

/** When something was committed, in days before the review; edits and syncs happen at these. `late` is drawn. */
export const moments = (late: number) => [40, 12, 5, 2 + late, 2 - late, 1.3, 0.9, 0.2, 0.1];

/** What holds from so many days before the review on; null is not there. The latest that has begun counts. */
export type Since<T> = readonly (readonly [days: number, is: T | null])[];
export type Person = { id?: string; status?: string; manager?: string };

/** A grant whose truth is known because it was planted. */
export type Planted = {
  id: string;
  /** Folder of its API. */
  api: string;
  principal: string;
  owner: string;
  /** The YAML beside id, principal, API, reason and owner. */
  rest: Since<string>;
  /** What is to be reported, were all evidence there; null: nothing. */
  truth: { detector: Detector; action: string } | null;
  /** What is true of it besides, so that gaps may leave it alone to be said. */
  also: readonly Detector[];
  /** What missing records make of its action, where that is so. */
  unproved: string | null;
};

export type Organisation = {
  draw: Random;
  /** API → tier and operations. */
  apis: Map<string, { tier: string; operations: readonly string[] }>;
  people: { login: string; provider: string; is: Since<Person> }[];
  groups: Map<string, Since<readonly string[]>>;
  services: Map<string, Since<{ owner: string; state?: string }>>;
  duties: { name: string; left: string; right: string; api: string }[];
  planted: Planted[];
  uses: Use[];
  late: number;
};

/** Thresholds of a few days keep the recorded past short. */
export const thresholds = {
  never_used: { days: 2 },
  dormant: { days: 4, days_high: 3, cadence_factor: 1.25, revoke_after_days: 2 },
  over_privileged: { days: 3, unused_share: 0.5, unused_operations: 2, allows: 6, days_used: 3 },
  ownerless: { revoke_after_days: 10 },
  brake: 1,
};

/** How many days the log goes back. */
export const logged = 7;
const tiers = ['low', 'medium', 'high', 'critical'];

export function emptyOrganisation(seed: string): Organisation {
  const draw = random(`truth ${seed}`);
  const apis = new Map(
    tiers.map((tier) => {
      const operations = Array.from({ length: 4 + draw.below(5) }, (_, i) => `op${i}`);
      return [`${tier}-api`, { tier, operations }];
    }),
  );
  apis.set('duties', { tier: 'medium', operations: ['look', 'pay', 'approve'] });
  return {
    ...{ draw, apis, planted: [], uses: [], duties: [] },
    people: [{ login: 'chief@example.com', provider: 'okta', is: [[40, {}]] }],
    groups: new Map([['desk', [[40, ['user:chief@example.com']]]]]),
    services: new Map(),
    late: 1 / 86_400 + draw.next() * 0.3,
  };
}

export type Wanted = Partial<Omit<Planted, 'rest'>> & {
  rest?: string | Since<string>;
  /** Groups by whose tokens it is used. */
  groups?: readonly string[];
  person?: Since<Person>;
  provider?: string;
};

/** Plants a grant: of an active person of its own, old, and in daily use unless `idle` says otherwise. */
export function plant(into: Organisation, wanted: Wanted, idle = false): Planted {
  const { draw, planted, people, apis } = into;
  const number = planted.length;
  const login = `person-${number}@example.com`;
  if (wanted.principal === undefined)
    people.push({ login, provider: wanted.provider ?? 'okta', is: wanted.person ?? [[40, {}]] });
  const rest = wanted.rest ?? 'role: admin';
  const grant: Planted = {
    id: `grant-${number}`,
    api: wanted.api ?? draw.pick([...apis.keys()].slice(0, tiers.length)),
    principal: wanted.principal ?? `user:${login}`,
    owner: wanted.owner ?? 'group:desk',
    rest: typeof rest === 'string' ? [[40, rest]] : rest,
    truth: wanted.truth ?? null,
    also: wanted.also ?? [],
    unproved: wanted.unproved ?? null,
  };
  planted.push(grant);
  if (!idle) use(into, grant, operationsOf(into, grant), logged - 1, [], wanted.groups);
  return grant;
}

/** A second before or after, or much more. */
export const margin = (draw: Random, most = 1): number =>
  draw.chance(0.3) ? 1 / 86_400 : draw.next() * most + 1 / 86_400;

export const operationsOf = ({ apis }: Organisation, { api }: Planted) => apis.get(api)?.operations ?? [];

/** Uses each operation, or some, on each of the last days, newest first. */
export function use(
  into: Organisation,
  grant: Planted,
  operations = operationsOf(into, grant),
  days = logged - 1,
  beside: readonly string[] = [],
  groups?: readonly string[],
): void {
  for (let day = 0; day < days; day += 1)
    for (const operation of operations) {
      const at = asOfMs - (day + 0.01 + into.draw.next() * 0.4) * dayMs;
      into.uses.push({
        ...{ grant: [grant.id, ...beside], operation, at: Math.floor(at) },
        ...(groups && {
          groups,
          subject: grant.principal.replace(/^group:.*/, 'user:of-tokens@example.com'),
        }),
      });
    }
}

/** One use, so many days before the review. */
export function usedOnce(into: Organisation, grant: Planted, days: number, more: Partial<Use> = {}): void {
  const [operation = 'op0'] = operationsOf(into, grant);
  into.uses.push({ grant: grant.id, operation, at: Math.floor(asOfMs - days * dayMs), ...more });
}
