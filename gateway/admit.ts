import type {
  Admit,
  Carrier,
  Decided,
  Doors,
  RateLimitHeaders,
  ReceivedRequest,
} from './decision/admission.ts';
import type { Decision } from './decision/decision.ts';
import type { Enforcement } from './decision/enforcement.ts';
import { Refusal } from './http/refusal.ts';
import type { Authenticate } from './identity/authenticate.ts';
import { anybody, isPublic } from './identity/identify.ts';
import { bodyTooLarge, mostBytes } from './limits/bodyLimit.ts';
import type { Limits } from './limits/limits.ts';
import { routeBy } from './otherMethods.ts';
import { createDecisionIds } from './record/decisionIds.ts';
import { createRecordDecision, internalError, type RecordDecisionOptions } from './recordDecision.ts';
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
import { traceOf } from './request/trace.ts';
import type { Snapshot } from './revision/snapshot.ts';
import { createUnrouted } from './unrouted.ts';

type Dependencies = RecordDecisionOptions & {
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  limits: Limits;
  /** Is told of each decision, for what comes after the answer. */
  afterwards?: ((decided: Decided, carrier: Carrier | undefined) => void) | undefined;
  /** The names by which callers know us, beside those that APIs are routed by; left out, any. */
  hosts?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds on a clock that nobody sets: limits are counted by it. */
  elapsed: () => number;
};

/** What a request was counted for already, when a new revision has it begin anew: it is counted once. */
type Counted = { subject: string; api: string; judged: Refusal | RateLimitHeaders | null } | 'arrived';

/** Where a request leads, as far as that is known when it is turned away. */
type Place = { api: string; operation: string; cors: CorsHeaders | null };

/** The stages in their order: address, canonicalize, route, authenticate, decide, limit, record. */
export function createAdmit(dependencies: Dependencies): Admit {
  const { enforcement, authenticate, limits, afterwards, now, elapsed, onOutcome, onFailure } = dependencies;
  const hosts = dependencies.hosts === undefined ? null : new Set(dependencies.hosts);
  const hostNamed = rememberHosts();
  const nextId = createDecisionIds();
  const recordDecision = createRecordDecision(dependencies);
  const countGuess = (refusal: Refusal, { address, rawHeaders }: ReceivedRequest) => {
    if (isGuess(refusal)) limits.failed(address, rawHeaders, elapsed());
  };
  const unrouted = createUnrouted({ authenticate, onRefused: countGuess, now });

  const turnAway = (error: unknown, request: ReceivedRequest, doors: Doors, place: Place) => {
    if (!(error instanceof Refusal)) onFailure(error, null);
    const refusal = error instanceof Refusal ? error : internalError();
    countGuess(refusal, request);
    const { api, operation, cors } = place;
    const outcome = refusal.status >= 500 ? 'broken' : refusal.status === 429 ? 'limited' : 'refused';
    onOutcome({ api, operation, outcome, reason: refusal.code });
    doors.refused(withCors(refusal, cors), null);
  };

  const attempt = async (request: ReceivedRequest, doors: Doors, counted: Counted | null): Promise<void> => {
    const { method, target, rawHeaders, address, bodyBytes = 0, carrier } = request;
    const place: Place = { api: '', operation: '', cors: null };
    try {
      if (counted === null) limits.arrive(address, elapsed());
      // One revision decides the whole request.
      const by = enforcement();
      if (by === null) throw noBundle();
      const canonical = canonicalize(method, target, rawHeaders, hostNamed);
      const { host, path } = canonical;
      if (hosts !== null && !hosts.has(host) && !isRouted(host, by.snapshot)) throw foreign();
      if (doors.preflight !== undefined && isPreflight(canonical, rawHeaders)) {
        const headers = preflight(canonical, rawHeaders, by, place);
        if (headers !== null) {
          onOutcome({ api: place.api, operation: '', outcome: 'allowed', reason: 'preflight' });
          return doors.preflight(headers);
        }
      }
      const route = by.route(canonical);
      const near = route === null ? apiAt(by.snapshot, canonical) : route.api;
      place.cors = near === null ? null : corsHeaders(by.snapshot.apis.get(near)?.cors, rawHeaders);
      if (route === null) throw await unrouted(request, canonical, by);
      const { api, operation } = route;
      [place.api, place.operation] = [api, operation];
      if (bodyBytes > mostBytes(by.snapshot, api, limits.body)) throw bodyTooLarge();
      // What is public is asked as anybody: a credential, good or bad, makes nobody else of the caller.
      const identity = isPublic(by.snapshot, route)
        ? anybody
        : await authenticate(request, canonical.query, by.snapshot, api);
      // Keys may have taken seconds to come. What was revoked meanwhile must not be let in any more: begin anew.
      if (enforcement() !== by) return await attempt(request, doors, counted ?? 'arrived');

      const atMs = now();
      const decision = by.decide({
        identity,
        route,
        method: canonical.method,
        networks: by.networksOf(address),
        time: Math.floor(atMs / 1000),
        path,
        headers: request,
      });
      const decided: Decided = {
        id: nextId(atMs),
        canonical,
        headers: request,
        route,
        identity,
        decision,
        enforcement: by,
        address,
        cors: place.cors,
        trace: traceOf(rawHeaders),
      };
      const { subject } = identity;
      let judged: Refusal | RateLimitHeaders | null;
      if (!decision.result.allow) judged = denial(decision);
      else if (isCountedAs(counted, subject, api)) judged = counted.judged;
      else judged = await limits.quota(decided, elapsed(), carrier);
      if (enforcement() !== by) return await attempt(request, doors, { subject, api, judged });
      recordDecision(decided, atMs, judged, doors);
      afterwards?.(decided, carrier);
    } catch (error) {
      turnAway(error, request, doors, place);
    }
  };
  return (request, doors) => void attempt(request, doors, null);
}

const noBundle = () =>
  new Refusal(503, 'no-bundle', 'No access policy is loaded yet.', { 'retry-after': '5' });
const foreign = () => new Refusal(421, 'host-unknown', 'This host is not served here.');

/** Whether an API is routed by that name. */
function isRouted(host: string, { apis }: Snapshot): boolean {
  for (const { route } of apis.values()) if ('host' in route && route.host === host) return true;
  return false;
}

/**
 * What a browser is told that asks before it sends a page's request; null where no API there speaks to pages of others:
 * then it is a request like any. Throws Refusal 403.
 */
function preflight(
  canonical: CanonicalRequest,
  rawHeaders: readonly string[],
  by: Enforcement,
  place: Place,
): CorsHeaders | null {
  // Where the prefix of one API continues another's, a path may be either's: its pages are those of whoever serves it.
  const called = routeBy(canonical, preflightMethod(rawHeaders), by);
  const api = called?.api ?? apiAt(by.snapshot, canonical) ?? '';
  const entry = by.snapshot.apis.get(api);
  if (entry?.cors === undefined) return null;
  place.api = api;
  return preflightHeaders(entry, entry.cors, rawHeaders);
}

function denial({ result }: Decision): Refusal {
  return new Refusal(403, result.reason, 'The caller may not do this here.');
}

const isCountedAs = (
  counted: Counted | null,
  subject: string,
  api: string,
): counted is Exclude<Counted, 'arrived'> =>
  counted !== null && counted !== 'arrived' && counted.subject === subject && counted.api === api;

const noGuess = new Set(['credentials-missing', 'credentials-not-accepted', 'token-expired']);
/** A credential that nobody gave; one that has ended was given once, and none at all is no attempt. */
const isGuess = ({ status, code }: Refusal): boolean => status === 401 && !noGuess.has(code);
