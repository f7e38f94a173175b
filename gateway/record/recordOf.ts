import { decisionPath } from '../../bundle/policy/policies.ts';
import type { Decision, SentHeaders, Stated } from '../decision/decision.ts';
import type { DecisionInput, RecordedFacts } from '../decision/decisionInput.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import type { Identity } from '../identity/authenticate.ts';
import type { CanonicalRequest } from '../request/canonicalize.ts';
import type { Route } from '../request/routeOf.ts';
import type { Trace } from '../request/trace.ts';
import type { NewRecord } from './recordLine.ts';

/** A decision with what it was made of. */
export type Recordable = {
  id: string;
  decision: Decision;
  enforcement: Enforcement;
  identity: Identity;
  route: Route;
  /** What was asked for; or what was stated of it. */
  canonical?: Pick<CanonicalRequest, 'path'>;
  stated?: Stated;
  headers?: SentHeaders;
  /** Where the request came from; left out where the networks were named by who asked. */
  address?: string;
  trace?: Trace | null;
};

/** The record of a decision; `atMs` since 1970, `status` as far as it is known what the caller gets. */
export type RecordOf = (decided: Recordable, atMs: number, status: number | null) => NewRecord;

export function createRecordOf(): RecordOf {
  let last = { atMs: Number.NaN, text: '' };
  /** Many requests come in the same millisecond. */
  const timestampOf = (atMs: number): string => {
    if (atMs !== last.atMs) last = { atMs, text: new Date(atMs).toISOString() };
    return last.text;
  };
  return (decided, atMs, status) => recordAt(decided, timestampOf(atMs), status);
}

function recordAt(decided: Recordable, timestamp: string, status: number | null): NewRecord {
  const { id, decision, enforcement, trace } = decided;
  const { input, factsOnRecord = null, result, nanoseconds, memory } = decision;
  const record: NewRecord = {
    timestamp,
    decision_id: id,
    path: decisionPath,
    bundles: { grantgate: { revision: enforcement.snapshot.revision } },
    input: input.facts === undefined ? input : recordedInput(input, factsOnRecord),
    result,
    metrics: { timer_rego_wasm_eval_ns: nanoseconds },
    memory,
  };
  if (status !== null) record.status = status;
  if (trace != null && trace.id !== null) record.trace_id = trace.id;
  const regressed = regression(decided);
  if (regressed !== undefined) record.regressed = regressed;
  return record;
}

/** Of facts a record holds what their API lets it. */
function recordedInput(
  { facts: _, ...input }: DecisionInput,
  facts: RecordedFacts | null,
): NewRecord['input'] {
  return facts === null ? input : { ...input, facts };
}

/** Asked only of denials, so allowed requests pay nothing for it. */
function regression(decided: Recordable): NewRecord['regressed'] {
  const { decision, enforcement, identity, route, address, canonical, headers, stated } = decided;
  const before = enforcement.previous;
  if (decision.result.allow || before === null) return undefined;
  const { method, time } = decision.input;
  // The merge may have been about the networks themselves.
  const networks = address === undefined ? decision.input.networks : before.networksOf(address);
  const { result } = before.decide({
    ...{ identity, route, method, networks, time },
    ...(canonical !== undefined && { path: canonical.path }),
    ...(stated !== undefined && { stated }),
    ...(headers !== undefined && { headers }),
  });
  return result.allow ? { revision: before.snapshot.revision, grants: result.grants } : undefined;
}
