import type { Decided } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';

/** How the second bundle would have decided, against what was decided. */
export type ShadowResult = 'same' | 'would-allow' | 'would-deny' | 'other-operation' | 'failed';

/** What of a request is needed to decide it again; nothing here keeps an old revision in memory. */
export type Asked = Pick<Decided, 'id' | 'canonical' | 'headers' | 'route' | 'identity' | 'address'> & {
  result: Decided['decision']['result'];
  /** Of the decision, in seconds since 1970. */
  time: number;
  revision: string;
};

/** `facts` are for the log; `nanoseconds` is what the evaluation took, null where there was none. Never throws. */
export type Compared = { result: ShadowResult; facts: object; nanoseconds: number | null };

/** Decides a request once more by another revision, and says what that would have changed. */
export function decideAgain(asked: Asked, by: Enforcement): Compared {
  const { canonical, headers, route, identity, address, result, time } = asked;
  try {
    const found = by.route(canonical);
    if (found === null || found.api !== route.api || found.operation !== route.operation) {
      const facts = { shadow_api: found?.api ?? null, shadow_operation: found?.operation ?? null };
      return { result: 'other-operation', facts, nanoseconds: null };
    }
    const networks = by.networksOf(address);
    const { method, path } = canonical;
    const answer = by.decide({ identity, route: found, method, networks, time, path, headers });
    const { nanoseconds } = answer;
    const facts = { reason: result.reason, shadow_reason: answer.result.reason };
    if (answer.failure !== null) return { result: 'failed', facts, nanoseconds };
    const { allow } = answer.result;
    if (allow === result.allow) return { result: 'same', facts, nanoseconds };
    const { grants } = allow ? answer.result : result;
    return { result: allow ? 'would-allow' : 'would-deny', facts: { ...facts, grants }, nanoseconds };
  } catch (error) {
    return { result: 'failed', facts: { err: error }, nanoseconds: null };
  }
}
