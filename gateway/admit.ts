import type {
  Admit,
  Allowance,
  AllowedCall,
  Carrier,
  Decided,
  Doors,
  ReceivedRequest,
} from './decision/admission.ts';
import type { Decision, Facts, Stated } from './decision/decision.ts';
import type { Enforcement } from './decision/enforcement.ts';
import type { Outcome } from './decision/outcome.ts';
import { Refusal } from './http/refusal.ts';
import type { Authenticate } from './identity/authenticate.ts';
import { anybody, isPublic } from './identity/identify.ts';
import { bodyTooLarge, mostBytes } from './limits/bodyLimit.ts';
import type { Limits } from './limits/limits.ts';
import { methodNotAllowed, noSuchOperation, otherMethods, routeBy } from './otherMethods.ts';
import { createDecisionIds } from './record/decisionIds.ts';
import { createRecordOf } from './record/recordOf.ts';
import type { RecordWriter } from './record/recordWriter.ts';
import { type CanonicalRequest, canonicalize, rememberHosts } from './request/canonicalize.ts';
import {
  apiAt,
  type CorsHeaders,
  corsHeaders,
  isPreflight,
  preflightHeaders,
  preflightMethod,
  withCors,
} from './request/cors.ts';
import type { Route } from './request/routeOf.ts';
import { traceOf } from './request/trace.ts';
import type { Snapshot } from './revision/snapshot.ts';

type Dependencies = {
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  limits: Limits;
  writer: Pick<RecordWriter, 'write'>;
  /** Signs who calls; left out, nobody does. */
  assertionOf?: (decided: Decided) => string | null;
  /** Is told of calls that were allowed and are on record; of those that one decision answers, once a minute. */
  onAllowed?: (call: AllowedCall) => void;
  /** Is told of each decision, for what comes after the answer. */
  afterwards?: ((decided: Decided, carrier: Carrier | undefined) => void) | undefined;
  /** The names by which callers know us, beside those that APIs are routed by; left out, any. */
  hosts?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  onOutcome: (outcome: Outcome) => void;
  /** Something that should not happen, happened; it denies, and this tells the operator why. */
  onFailure: (error: unknown, decisionId: string | null) => void;
};

const toldEveryMs = 60_000;

const noBundle = () =>
  new Refusal(503, 'no-bundle', 'No access policy is loaded yet.', { 'retry-after': '5' });
const unrecorded = () =>
  new Refusal(503, 'record-unwritable', 'The decision could not be recorded.', { 'retry-after': '5' });
const broken = () => new Refusal(500, 'internal-error', 'The request could not be processed.');

/** The stages in their order: address, canonicalize, route, authenticate, decide, limit, record. */
export function createAdmit(dependencies: Dependencies): Admit {
  const { enforcement, authenticate, limits, writer, assertionOf, onAllowed, afterwards } = dependencies;
  const { now, onOutcome, onFailure } = dependencies;
  const hosts = dependencies.hosts === undefined ? null : new Set(dependencies.hosts);
  const nextId = createDecisionIds();
  const recordOf = createRecordOf();
  const hostNamed = rememberHosts();

  const settle = (decided: Decided, atMs: number, judged: Refusal | Allowance | null, doors: Doors) => {
    const { decision, id } = decided;
    const refusal = judged instanceof Refusal ? judged : null;
    const allowance = judged instanceof Refusal ? null : judged;
    const status = refusal?.status ?? null;
    const record = recordOf(decided, atMs, status);
    if (decision.failure !== null) onFailure(decision.failure, id);
    const { api, operation } = decided.route;
    writer.write(record, (error) => {
      if (error !== null) {
        onFailure(error, id);
        onOutcome({ api, operation, outcome: 'broken', reason: 'record-unwritable', decision });
        doors.refused(withCors(unrecorded(), decided.cors), id, decided);
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
        doors.refused(withCors(refusal, decided.cors), id, decided);
      } else {
        onOutcome({ api, operation, outcome: 'allowed', reason: decision.result.reason, decision });
        const { identity, route, address, canonical } = decided;
        if (Math.abs(atMs - decision.memory.toldMs) >= toldEveryMs) {
          decision.memory.toldMs = atMs;
          const { networks, facts } = decision.input;
          onAllowed?.({
            ...{ identity, route, address, networks, path: canonical.path },
            ...(facts !== undefined && { stated: withFacts(facts) }),
          });
        }
        try {
          doors.admitted({ ...decided, allowance, assertion: assertionOf?.(decided) ?? null });
        } catch (failed) {
          // The others of this turn's batch still wait for their doors.
          onFailure(failed, id);
          doors.refused(withCors(broken(), decided.cors), id, decided);
        }
      }
    });
  };

  /**
   * Why a request has no operation. Who may call some other method of its path is told which there are; to all others the
   * path does not exist, whoever they are and whatever they bring.
   */
  const unrouted = async (request: ReceivedRequest, canonical: CanonicalRequest, by: Enforcement) => {
    const others = otherMethods(canonical, by);
    const [first] = others;
    if (first === undefined) return noSuchOperation();
    try {
      const open = others.find(({ route }) => isPublic(by.snapshot, route));
      const identity =
        open === undefined
          ? await authenticate(request, canonical.query, by.snapshot, first.route.api)
          : anybody;
      const networks = by.networksOf(request.address);
      const time = Math.floor(now() / 1000);
      const may = others.some(
        ({ method, route }) =>
          by.decide({ identity, route, method, networks, time, path: canonical.path, headers: request })
            .result.allow,
      );
      return may ? methodNotAllowed(others) : noSuchOperation();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Else keys could be guessed here, uncounted.
      if (isGuess(error)) limits.failed(request.address, request.rawHeaders, now());
      return noSuchOperation();
    }
  };

  /** What a request was counted for already, when a new revision has it begin anew: it is counted once. */
  type Counted = { subject: string; api: string; judged: Refusal | Allowance | null } | 'arrived';

  const attempt = async (request: ReceivedRequest, doors: Doors, counted: Counted | null): Promise<void> => {
    const { method, target, rawHeaders, address, bodyBytes = 0, carrier } = request;
    let route: Route | null = null;
    let cors: CorsHeaders | null = null;
    let asked = '';
    const turnAway = (error: unknown) => {
      if (!(error instanceof Refusal)) onFailure(error, null);
      const refusal = error instanceof Refusal ? error : broken();
      if (isGuess(refusal)) limits.failed(address, rawHeaders, now());
      onOutcome({
        api: route?.api ?? asked,
        operation: route?.operation ?? '',
        outcome: refusal.status >= 500 ? 'broken' : refusal.status === 429 ? 'limited' : 'refused',
        reason: refusal.code,
      });
      doors.refused(withCors(refusal, cors), null);
    };
    try {
      if (counted === null) limits.arrive(address, now());
      // One revision decides the whole request.
      const by = enforcement();
      if (by === null) throw noBundle();
      const canonical = canonicalize(method, target, rawHeaders, hostNamed);
      if (hosts !== null && !hosts.has(canonical.host) && !isRouted(canonical.host, by.snapshot))
        throw foreign();
      if (doors.preflight !== undefined && isPreflight(canonical, rawHeaders)) {
        // Where the prefix of one API continues another's, a path may be either's: its pages are those of whoever serves it.
        const called = routeBy(canonical, preflightMethod(rawHeaders), by);
        asked = called?.api ?? apiAt(by.snapshot, canonical) ?? '';
        const entry = by.snapshot.apis.get(asked);
        if (entry?.cors === undefined) asked = '';
        else {
          const headers = preflightHeaders(entry, entry.cors, rawHeaders);
          onOutcome({ api: asked, operation: '', outcome: 'allowed', reason: 'preflight' });
          doors.preflight(headers);
          return;
        }
      }
      route = by.route(canonical);
      const near = route === null ? apiAt(by.snapshot, canonical) : route.api;
      cors = near === null ? null : corsHeaders(by.snapshot.apis.get(near)?.cors, rawHeaders);
      if (route === null) throw await unrouted(request, canonical, by);
      const { api } = route;
      if (bodyBytes > mostBytes(by.snapshot, api, limits.body)) throw bodyTooLarge();
      const networks = by.networksOf(address);
      // What is public is asked as anybody: a credential, good or bad, makes nobody else of the caller.
      const identity = isPublic(by.snapshot, route)
        ? anybody
        : await authenticate(request, canonical.query, by.snapshot, api);
      // Keys may have taken seconds to come. What was revoked meanwhile must not be let in any more: begin anew.
      if (enforcement() !== by) return await attempt(request, doors, counted ?? 'arrived');
      const atMs = now();
      const time = Math.floor(atMs / 1000);
      const { path } = canonical;
      const question = { identity, route, method: canonical.method, networks, time, path, headers: request };
      const decision = by.decide(question);
      const trace = traceOf(rawHeaders);
      const decided = {
        id: nextId(atMs),
        canonical,
        headers: request,
        route,
        identity,
        decision,
        enforcement: by,
        address,
        cors,
        trace,
      };
      const { subject } = identity;
      const isCounted =
        counted !== null && counted !== 'arrived' && counted.subject === subject && counted.api === api;
      let judged: Refusal | Allowance | null;
      if (!decision.result.allow) judged = denial(decision);
      else if (isCounted) judged = counted.judged;
      else judged = await limits.quota(decided, atMs, carrier);
      if (enforcement() !== by) return await attempt(request, doors, { subject, api, judged });
      settle(decided, atMs, judged, doors);
      afterwards?.(decided, carrier);
    } catch (error) {
      turnAway(error);
    }
  };
  return (request, doors) => void attempt(request, doors, null);
}

/** What is remembered of a call holds no headers: credentials are among them. */
const withFacts = (facts: Facts['values']): Stated => ({
  params: new Map(),
  claims: new Map(),
  facts: new Map(Object.entries(facts)),
});

const foreign = () => new Refusal(421, 'host-unknown', 'This host is not served here.');

/** Whether an API is routed by that name. */
function isRouted(host: string, { apis }: Snapshot): boolean {
  for (const { route } of apis.values()) if ('host' in route && route.host === host) return true;
  return false;
}

function denial({ result }: Decision): Refusal {
  return new Refusal(403, result.reason, 'The caller may not do this here.');
}

const noGuess = new Set(['credentials-missing', 'credentials-not-accepted', 'token-expired']);
/** A credential that nobody gave; one that has ended was given once, and none at all is no attempt. */
const isGuess = ({ status, code }: Refusal): boolean => status === 401 && !noGuess.has(code);
