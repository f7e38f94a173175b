import { performance } from 'node:perf_hooks';
import type { Decide, Decision, Question } from './decide.ts';

/** As many questions as are remembered within one second. */
const most = 20_000;

/**
 * Answers a question that was asked before in the same second, of the same revision, from memory. That is no guess: a
 * policy is a function of its input and data (its capabilities have no clock and no chance), and `time` counts whole
 * seconds. What went wrong is asked again.
 */
export function rememberDecisions(decide: Decide): Decide {
  const known = new Map<string, Decision>();
  let second = Number.NaN;
  return (question) => {
    const started = performance.now();
    if (question.time !== second || known.size >= most) {
      known.clear();
      second = question.time;
    }
    const key = keyOf(question);
    const before = known.get(key);
    if (before !== undefined) {
      return { ...before, nanoseconds: Math.round((performance.now() - started) * 1e6) };
    }
    const decision = decide(question);
    if (decision.failure === null) known.set(key, decision);
    return decision;
  };
}

/** All that goes into the input but the time. Lengths and JSON keep two questions from ever sharing a key. */
function keyOf({ identity, route, method, networks }: Question): string {
  const { subject, mfa, groups } = identity;
  const rest = networks.length === 0 && groups === null ? '' : JSON.stringify([networks, groups]);
  return `${subject.length} ${subject} ${route.api} ${route.operation} ${method} ${mfa} ${rest}`;
}
