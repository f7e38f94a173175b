import type { Identity } from './authenticate.ts';
import { type Decision, decisionPath } from './decide.ts';
import type { Enforcement } from './enforcement.ts';
import type { DecisionRecord } from './record.ts';
import type { Route } from './route.ts';
import type { Trace } from './trace.ts';

/** A decision with what it was made of; `at` in ms since 1970, `status` as far as it is known what the caller gets. */
export type Decided = {
  id: string;
  at: number;
  decision: Decision;
  enforcement: Enforcement;
  identity: Identity;
  route: Route;
  /** Where the request came from; left out where the networks were named by who asked. */
  address?: string;
  trace?: Trace | null;
  status: number | null;
};

/** The record of a decision. */
export function recordOf(decided: Decided): Omit<DecisionRecord, 'instance' | 'seq'> {
  const { id, at, decision, enforcement, status } = decided;
  return {
    timestamp: new Date(at).toISOString(),
    decision_id: id,
    path: decisionPath,
    bundles: { grantgate: { revision: enforcement.snapshot.revision } },
    input: decision.input,
    result: decision.result,
    ...(status === null ? {} : { status }),
    metrics: { timer_rego_wasm_eval_ns: decision.nanoseconds },
    ...(decided.trace?.id == null ? {} : { trace_id: decided.trace.id }),
    ...regression(decided),
  };
}

/** Asked only of denials, so allowed requests pay nothing for it. */
function regression({ decision, enforcement, identity, route, address }: Decided) {
  const before = enforcement.previous;
  if (decision.result.allow || before === null) return {};
  const { method, time } = decision.input;
  // The merge may have been about the networks themselves.
  const networks = address === undefined ? decision.input.networks : before.networksOf(address);
  const { result } = before.decide({ identity, route, method, networks, time });
  return result.allow ? { regressed: { revision: before.snapshot.revision, grants: result.grants } } : {};
}
