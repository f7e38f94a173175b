import { performance } from 'node:perf_hooks';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import type { Slices } from '../revision/slices.ts';
import { type Decide, type Decision, type GrantBounds, newMemory, type Question } from './decision.ts';
import type { DecisionInput, DecisionResult } from './decisionInput.ts';
import { type Evaluator, isTooCostly } from './evaluator.ts';
import type { ReadFacts } from './facts.ts';
import { claimOf, givenOf, paramOf } from './given.ts';
import { boundsOf, createReadLines, type KnownLine, namesOf } from './readLines.ts';

const unbounded: ReadonlyMap<string, GrantBounds> = new Map();
const denied = (reason: string): DecisionResult => ({ allow: false, grants: [], reason });

/**
 * Builds the decision of one revision from its slices and evaluator. `readFacts` reads the facts that its APIs name, and
 * is null where none does. `clock` is what an examination of its policy came to: whether its answers may change at other
 * moments than the ends of the caller's grants.
 */
export function createDecide(
  slices: Slices,
  evaluator: Evaluator,
  readFacts: ReadFacts | null,
  clock = true,
): Decide {
  const read = createReadLines();
  return (asked) => {
    const { identity, route, method, networks, time } = asked;
    const startedMs = performance.now();
    let groups: readonly string[] = identity.groups ?? [];
    let given: Pick<DecisionInput, 'params' | 'claims'> | null = null;
    const facts = asked.facts ?? readFacts?.(asked) ?? null;
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
      // Behind the time, which is looked for by its name where a record is written.
      ...given,
      ...(facts !== null && { facts: facts.values }),
    });
    const told = facts === null ? null : { factsOnRecord: facts.onRecord, factFault: facts.fault };
    try {
      const principal = slices.principal(identity.subject);
      groups = identity.groups ?? principal?.groups ?? [];
      const cut = slices.cut(route.api, identity.subject, groups);
      const known = read(route.api, cut.lines);
      given = givenBy(known, asked);
      const question = input();
      const fault = facts !== null && facts.fault !== null;
      const result = fault
        ? denied('fact-malformed')
        : resultOf(evaluator.evaluate(question, slices.given(cut, question)));
      const holds = clock ? second(time) : between(known, time);
      const nanoseconds = Math.round((performance.now() - startedMs) * 1e6);
      return {
        input: question,
        result,
        nanoseconds,
        bounds: result.allow ? boundsOf(result.grants, known) : unbounded,
        failure: null,
        holds,
        memory: newMemory(),
        ...told,
      };
    } catch (failure) {
      const nanoseconds = Math.round((performance.now() - startedMs) * 1e6);
      const result = denied('evaluation-error');
      return {
        input: input(),
        result,
        nanoseconds,
        bounds: unbounded,
        failure,
        holds: isTooCostly(failure) ? { from: time, until: time + costlySeconds } : second(time),
        memory: newMemory(),
        ...told,
      };
    }
  };
}

/** What the caller's grants ask of the request: nothing else of its path and of its token is told. */
function givenBy(
  known: readonly KnownLine[],
  asked: Question,
): Pick<DecisionInput, 'params' | 'claims'> | null {
  const params = namesOf(known, 'params');
  if (params.length === 0) return null;
  const claims = namesOf(known, 'claims');
  return {
    params: givenOf(params, (name) => paramOf(asked, name)),
    ...(claims.length > 0 && { claims: givenOf(claims, (name) => claimOf(asked, name)) }),
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
  return grants.length === 0 ? denied('decision-malformed') : { allow, grants: inOrder(grants), reason };
}

/** A policy may answer with a set, which WASM keeps in no order. */
const inOrder = (grants: readonly string[]): readonly string[] =>
  grants.every((id, at) => at === 0 || compareCodePoints(grants[at - 1] ?? '', id) <= 0)
    ? grants
    : [...grants].sort(compareCodePoints);

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** How long what cost too much stays denied without being tried again. */
const costlySeconds = 10;

const second = (time: number): Decision['holds'] => ({ from: time, until: time + 1 });

/** From the last end that has passed to the first that has not: in between no grant ends. */
function between(lines: readonly KnownLine[], time: number): Decision['holds'] {
  let from = Number.NEGATIVE_INFINITY;
  let until = Number.POSITIVE_INFINITY;
  for (const { ends } of lines)
    for (const end of ends)
      if (end <= time) from = Math.max(from, end);
      else until = Math.min(until, end);
  return { from, until };
}
