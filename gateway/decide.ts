import { performance } from 'node:perf_hooks';
import type { Identity } from './authenticate.ts';
import type { Evaluator } from './evaluator.ts';
import type { Counter } from './quota.ts';
import type { DecisionInput, DecisionResult } from './record.ts';
import type { Route } from './route.ts';
import type { Slices } from './slices.ts';

/** The rule every decision comes from, as named in records and in the bundle's manifest. */
export const decisionPath = 'grantgate/authz/decision';

/** What is asked for one request; `time` is whole seconds since 1970. */
export type Question = {
  identity: Identity;
  route: Route;
  method: string;
  networks: readonly string[];
  time: number;
};

/** What the data says about the grants a decision may rest on. */
export type GrantFacts = { rate: string | null; expires: number | null };

/** The policy's answer, with what is recorded of it. */
export type Decision = {
  input: DecisionInput;
  result: DecisionResult;
  /** Time spent in slices, WASM and reading the result; 0 when it was remembered. */
  nanoseconds: number;
  /** Grant id → its facts, for all grants the caller could touch. */
  facts: ReadonlyMap<string, GrantFacts>;
  /** What was thrown, when the policy could not be evaluated. */
  failure: unknown;
  derived: Derived;
};

/**
 * What was made of a decision, for the other requests that it answers: all of them have the same caller with the same
 * credential. Each field belongs to the one who makes it; null until then.
 */
export type Derived = {
  /** By `identityHeaders`. */
  headers: readonly string[] | null;
  /** By `createAssertionOf`. */
  assertion: { text: string; until: number; key: object } | null;
  /** By `createQuota`: how many requests of the caller are open at the API. */
  open: Counter | null;
  /** By `createAdmit`: somebody was told of the first one. */
  told: boolean;
};

export const newDerived = (): Derived => ({
  headers: null,
  assertion: null,
  open: null,
  told: false,
});

/** Answers a question by one revision. Never throws: whatever goes wrong is a denial with a reason of its own. */
export type Decide = (question: Question) => Decision;

const noFacts: ReadonlyMap<string, GrantFacts> = new Map();
const denied = (reason: string): DecisionResult => ({ allow: false, grants: [], reason });

/** Builds the decision of one revision from its slices and evaluator. */
export function createDecide(slices: Slices, evaluator: Evaluator): Decide {
  const factsOf = new WeakMap<ArrayBuffer, ReadonlyMap<string, GrantFacts>>();
  return ({ identity, route, method, networks, time }) => {
    const started = performance.now();
    let groups: readonly string[] = identity.groups ?? [];
    const input = (): DecisionInput => ({
      subject: identity.subject,
      groups,
      ...(identity.groups === null ? {} : { groups_from: 'token' as const }),
      api: route.api,
      operation: route.operation,
      method,
      path: route.template,
      networks,
      mfa: identity.mfa,
      time,
    });
    try {
      const principal = slices.principal(identity.subject);
      groups = identity.groups ?? principal?.groups ?? [];
      const question = input();
      const slice = slices.slice(route.api, identity.subject, groups);
      const result = resultOf(evaluator.evaluate(question, slice));
      let facts = noFacts;
      if (result.allow) {
        facts = factsOf.get(slice) ?? readFacts(slice, route.api);
        factsOf.set(slice, facts);
      }
      const nanoseconds = Math.round((performance.now() - started) * 1e6);
      return { input: question, result, nanoseconds, facts, failure: null, derived: newDerived() };
    } catch (failure) {
      const nanoseconds = Math.round((performance.now() - started) * 1e6);
      const result = denied('evaluation-error');
      return { input: input(), result, nanoseconds, facts: noFacts, failure, derived: newDerived() };
    }
  };
}

/** Only a well-formed answer that names its grants is an allow. */
function resultOf(value: unknown): DecisionResult {
  if (value === undefined) return denied('decision-undefined');
  if (typeof value !== 'object' || value === null) return denied('decision-malformed');
  const { allow, grants, reason } = value as { allow?: unknown; grants?: unknown; reason?: unknown };
  if (typeof allow !== 'boolean' || typeof reason !== 'string' || !isStrings(grants))
    return denied('decision-malformed');
  if (!allow) return { allow, grants: [], reason };
  return grants.length === 0 ? denied('decision-malformed') : { allow, grants, reason };
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function readFacts(slice: ArrayBuffer, api: string): ReadonlyMap<string, GrantFacts> {
  type Entry = { id: string; rate?: string; expires?: number };
  const document = JSON.parse(Buffer.from(slice).toString()) as {
    grants?: Record<string, Record<string, Entry[]>>;
  };
  const entries = Object.values(document.grants?.[api] ?? {}).flat();
  return new Map(
    entries.map(({ id, rate, expires }) => [id, { rate: rate ?? null, expires: expires ?? null }]),
  );
}
