import type { AllowedCall, Decided, Doors, RateLimitHeaders } from './decision/admission.ts';
import type { Facts, Stated } from './decision/decision.ts';
import type { Outcome } from './decision/outcome.ts';
import { Refusal } from './http/refusal.ts';
import type { NewRecord } from './record/recordLine.ts';
import { createRecordOf } from './record/recordOf.ts';
import type { RecordWriter } from './record/recordWriter.ts';
import { withCors } from './request/cors.ts';

export type RecordDecisionOptions = {
  writer: Pick<RecordWriter, 'write'>;
  /** Signs who calls; left out, nobody does. */
  assertionOf?: (decided: Decided) => string | null;
  /** Is told of calls that were allowed and are on record; of those that one decision answers, once a minute. */
  onAllowed?: (call: AllowedCall) => void;
  onOutcome: (outcome: Outcome) => void;
  /** Something that should not happen, happened; it denies, and this tells the operator why. */
  onFailure: (error: unknown, decisionId: string | null) => void;
};

/** Puts a decision on record, with what the request's limits came to; then, and not before, it goes through its door. */
export type RecordDecision = (
  decided: Decided,
  atMs: number,
  judged: Refusal | RateLimitHeaders | null,
  doors: Doors,
) => void;

const toldEveryMs = 60_000;

/** What a caller is told of a fault of ours. */
export const internalError = () => new Refusal(500, 'internal-error', 'The request could not be processed.');
const unrecorded = () =>
  new Refusal(503, 'record-unwritable', 'The decision could not be recorded.', { 'retry-after': '5' });

export function createRecordDecision({
  writer,
  assertionOf,
  onAllowed,
  onOutcome,
  onFailure,
}: RecordDecisionOptions): RecordDecision {
  const recordOf = createRecordOf();

  const notRecorded = (decided: Decided, error: Error, doors: Doors) => {
    const { id, decision, route, cors } = decided;
    const { api, operation } = route;
    onFailure(error, id);
    onOutcome({ api, operation, outcome: 'broken', reason: 'record-unwritable', decision });
    doors.refused(withCors(unrecorded(), cors), id, decided);
  };
  const refuse = (decided: Decided, refusal: Refusal, record: NewRecord, doors: Doors) => {
    const { id, decision, route, cors } = decided;
    onOutcome({
      api: route.api,
      operation: route.operation,
      outcome: refusal.status === 429 ? 'limited' : 'denied',
      reason: refusal.code,
      decision,
      regressed: record.regressed !== undefined,
    });
    doors.refused(withCors(refusal, cors), id, decided);
  };
  const allow = (decided: Decided, allowance: RateLimitHeaders | null, atMs: number, doors: Doors) => {
    const { id, decision, route, cors } = decided;
    const { memory, result } = decision;
    const { api, operation } = route;
    onOutcome({ api, operation, outcome: 'allowed', reason: result.reason, decision });
    if (Math.abs(atMs - memory.toldMs) >= toldEveryMs) {
      memory.toldMs = atMs;
      onAllowed?.(callOf(decided));
    }
    try {
      doors.admitted({ ...decided, allowance, assertion: assertionOf?.(decided) ?? null });
    } catch (failed) {
      // The others of this turn's batch still wait for their doors.
      onFailure(failed, id);
      doors.refused(withCors(internalError(), cors), id, decided);
    }
  };

  return (decided, atMs, judged, doors) => {
    const { decision, id } = decided;
    const refusal = judged instanceof Refusal ? judged : null;
    const record = recordOf(decided, atMs, refusal?.status ?? null);
    if (decision.failure !== null) onFailure(decision.failure, id);
    writer.write(record, (error) => {
      if (error !== null) notRecorded(decided, error, doors);
      else if (judged instanceof Refusal) refuse(decided, judged, record, doors);
      else allow(decided, judged, atMs, doors);
    });
  };
}

/** What is remembered of a call holds no headers: credentials are among them. */
function callOf({ identity, route, address, canonical, decision }: Decided): AllowedCall {
  const { networks, facts } = decision.input;
  return {
    ...{ identity, route, address, networks, path: canonical.path },
    ...(facts !== undefined && { stated: withFacts(facts) }),
  };
}

const withFacts = (facts: Facts['values']): Stated => ({
  params: new Map(),
  claims: new Map(),
  facts: new Map(Object.entries(facts)),
});
