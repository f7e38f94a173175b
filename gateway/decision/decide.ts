import { performance } from 'node:perf_hooks';
import type { Slices } from '../revision/slices.ts';
import {
  type Decide,
  type DecisionInput,
  type DecisionResult,
  type GrantFacts,
  newMemory,
} from './decision.ts';
import type { Evaluator } from './evaluator.ts';

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
      return {
        input: question,
        result,
        nanoseconds,
        facts,
        failure: null,
        holds: { from: time, until: time + 1 },
        memory: newMemory(),
      };
    } catch (failure) {
      const nanoseconds = Math.round((performance.now() - started) * 1e6);
      const result = denied('evaluation-error');
      return {
        input: input(),
        result,
        nanoseconds,
        facts: noFacts,
        failure,
        holds: { from: time, until: time + 1 },
        memory: newMemory(),
      };
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
