import type { Admission, Admit, AllowedCall, Carrier, Doors } from './decision/admission.ts';
import type { Decision, Question } from './decision/decision.ts';
import type { Enforcement } from './decision/enforcement.ts';
import type { Outcome } from './decision/outcome.ts';
import { Refusal } from './http/refusal.ts';
import type { Authenticate, Identity } from './identity/authenticate.ts';
import { bodyTooLarge, mostBytes } from './limits/limitBody.ts';
import type { Limits } from './limits/limits.ts';
import { createDecisionIds } from './record/decisionIds.ts';
import { recordOf } from './record/recordOf.ts';
import type { RecordWriter } from './record/recordWriter.ts';
import { canonicalize } from './request/canonicalize.ts';
import type { Route } from './request/route.ts';
import { traceOf } from './request/trace.ts';

type Dependencies = {
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  limits: Limits;
  writer: Pick<RecordWriter, 'write'>;
  /** Signs who calls; left out, nobody does. */
  assertionOf?: (admission: Admission) => string | null;
  /** Is told of calls that were allowed and are on record; of those that one decision answers, of the first. */
  onAllowed?: (call: AllowedCall) => void;
  /** Is told of each decision, for what comes after the answer. */
  afterwards?: ((admission: Admission, carrier: Carrier | undefined) => void) | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  onOutcome: (outcome: Outcome) => void;
  /** Something that should not happen, happened; it denies, and this tells the operator why. */
  onFailure: (error: unknown, decisionId: string | null) => void;
};

const noBundle = () =>
  new Refusal(503, 'no-bundle', 'No access policy is loaded yet.', { 'retry-after': '5' });
const unrecorded = () =>
  new Refusal(503, 'record-unwritable', 'The decision could not be recorded.', { 'retry-after': '5' });
const broken = () => new Refusal(500, 'internal-error', 'The request could not be processed.');

/** The stages in their order: address, canonicalize, route, authenticate, decide, limit, record. */
export function createAdmit(dependencies: Dependencies): Admit {
  const { enforcement, authenticate, limits, writer, assertionOf, onAllowed, afterwards } = dependencies;
  const { now, onOutcome, onFailure } = dependencies;
  const nextId = createDecisionIds();

  const settle = (admission: Admission, at: number, refusal: Refusal | null, doors: Doors) => {
    const { decision, id } = admission;
    const status = refusal?.status ?? null;
    const record = recordOf({ ...admission, at, status });
    if (decision.failure !== null) onFailure(decision.failure, id);
    const { api, operation } = admission.route;
    writer.write(record, (error) => {
      if (error !== null) {
        onFailure(error, id);
        onOutcome({ api, operation, outcome: 'broken', reason: 'record-unwritable', decision });
        doors.refused(unrecorded(), id);
      } else if (refusal !== null) {
        const outcome = refusal.status === 429 ? 'limited' : 'denied';
        onOutcome({
          api,
          operation,
          outcome,
          reason: refusal.code,
          decision,
          regressed: record.regressed !== undefined,
        });
        doors.refused(refusal, id);
      } else {
        onOutcome({ api, operation, outcome: 'allowed', reason: decision.result.reason, decision });
        const { identity, route, address } = admission;
        if (!decision.derived.told) {
          decision.derived.told = true;
          onAllowed?.({ identity, route, address, networks: decision.input.networks });
        }
        try {
          if (assertionOf !== undefined) admission.assertion = assertionOf(admission);
          doors.admitted(admission);
        } catch (failed) {
          // The others of this turn's batch still wait for their doors.
          onFailure(failed, id);
          doors.refused(broken(), id);
        }
      }
    });
  };

  const admit: Admit = (request, doors) => {
    const { method, target, rawHeaders, address, bodyBytes = 0, carrier } = request;
    const turnAway = (error: unknown, route: Route | null) => {
      if (!(error instanceof Refusal)) onFailure(error, null);
      const refusal = error instanceof Refusal ? error : broken();
      if (isGuess(refusal)) limits.failed(address, rawHeaders, now());
      onOutcome({
        api: route?.api ?? '',
        operation: route?.operation ?? '',
        outcome: refusal.status >= 500 ? 'broken' : refusal.status === 429 ? 'limited' : 'refused',
        reason: refusal.code,
      });
      doors.refused(refusal, null);
    };
    let route: Route | null = null;
    try {
      const arrived = now();
      limits.arrive(address, arrived);
      // One revision decides the whole request.
      const by = enforcement();
      if (by === null) throw noBundle();
      const canonical = canonicalize(method, target, rawHeaders);
      const found = by.route(canonical);
      if (found === null) throw new Refusal(404, 'no-such-operation', 'There is no such operation here.');
      route = found;
      if (bodyBytes > mostBytes(by.snapshot, found.api, limits.body)) throw bodyTooLarge();
      const networks = by.networksOf(address);
      const proceed = (identity: Identity, at: number) => {
        const question: Question = {
          identity,
          route: found,
          method: canonical.method,
          networks,
          time: Math.floor(at / 1000),
        };
        const decision = by.decide(question);
        const trace = traceOf(rawHeaders);
        const id = nextId(at);
        const admission = {
          id,
          canonical,
          route: found,
          identity,
          decision,
          enforcement: by,
          address,
          trace,
        };
        const over = decision.result.allow ? limits.quota(admission, at, carrier) : denial(decision);
        if (over instanceof Promise) {
          over
            .then((refusal) => {
              if (enforcement() !== by) return admit(request, doors);
              settle(admission, at, refusal, doors);
              afterwards?.(admission, carrier);
            })
            .catch((error: unknown) => turnAway(error, found));
        } else {
          settle(admission, at, over, doors);
          afterwards?.(admission, carrier);
        }
      };
      const identity = authenticate(request, canonical.query, by.snapshot, found.api);
      if (identity instanceof Promise) {
        identity
          .then((proved) => {
            // Keys may have taken seconds to come. What was revoked meanwhile must not be let in any more: begin anew.
            if (enforcement() === by) proceed(proved, now());
            else admit(request, doors);
          })
          .catch((error: unknown) => turnAway(error, found));
      } else proceed(identity, arrived);
    } catch (error) {
      turnAway(error, route);
    }
  };
  return admit;
}

function denial({ result }: Decision): Refusal {
  return new Refusal(403, result.reason, 'The caller may not do this here.');
}

const noGuess = new Set(['credentials-missing', 'credentials-not-accepted', 'token-expired']);
/** A credential that nobody gave; one that has ended was given once, and none at all is no attempt. */
const isGuess = ({ status, code }: Refusal): boolean => status === 401 && !noGuess.has(code);
