import type { Refusal } from '../http/refusal.ts';
import type { ClientCertificate } from '../identity/clientCertificate.ts';
import type { Identity } from '../identity/identify.ts';
import type { CanonicalRequest } from '../request/canonicalize.ts';
import type { CorsHeaders } from '../request/cors.ts';
import type { Route } from '../request/routeOf.ts';
import type { Trace } from '../request/trace.ts';
import type { Decision, Question, SentHeaders, Stated } from './decision.ts';
import type { Enforcement } from './enforcement.ts';

/** What ends together with a request: its response, or the socket of an upgraded one. */
export type Carrier = {
  readonly destroyed: boolean;
  onEnd: (listener: () => void) => void;
  /** The status of an answer to an upgrade, once there is one. */
  answered?: number;
};

/** Who was allowed to do what, the last time it was told. `address` is null where somebody else said in which `networks` the caller is. */
export type AllowedCall = {
  identity: Identity;
  route: { api: string; operation: string };
  address: string | null;
  networks: readonly string[];
  stated?: Stated;
} & Pick<Question, 'path'>;

/** A request that the policy has been asked about. */
export type Decided = {
  /** The decision's id. */
  id: string;
  canonical: CanonicalRequest;
  /** The request, for what its headers say. */
  headers: SentHeaders;
  route: Route;
  identity: Identity;
  decision: Decision;
  /** The revision it was decided by. */
  enforcement: Enforcement;
  /** The caller's address, for the upstream's forwarding headers only. */
  address: string;
  /** What the answer tells browsers, in place of what the API's own says; null or left out: that stays. */
  cors?: CorsHeaders | null;
  /** What the caller said of its trace, when it said something. */
  trace: Trace | null;
};

/** What is left of a request's rates, as response headers tell it. */
export type Allowance = { readonly policy: string; readonly state: string };

/** A request that may go to its upstream: decided, within its limits, and on record. */
export type Admission = Decided & {
  /** Null where there are no rates. */
  allowance: Allowance | null;
  /** Who calls, signed for the upstream; null where nobody signs. */
  assertion: string | null;
};

/** Exactly one of them is called, once, after the decision is on record where there was one. */
export type Doors = {
  /** A browser's preflight is answered here; left out where there are none. */
  preflight?: (headers: CorsHeaders) => void;
  admitted: (admission: Admission) => void;
  refused: (refusal: Refusal, decisionId: string | null, decided?: Decided) => void;
};

/** What is decided of a request, wherever it comes in. */
export type ReceivedRequest = {
  method: string;
  /** The request target as sent. */
  target: string;
  /** Names and values in turn, as Node gives them. */
  rawHeaders: readonly string[];
  /** Whether a trusted proxy sent it; left out, none did. */
  fromProxy?: (() => boolean) | undefined;
  /** The caller's address. */
  address: string;
  /** What it showed on its connection; left out where somebody else holds that. */
  certificate?: ClientCertificate | null;
  /** How many bytes its body has, where that is told. */
  bodyBytes?: number;
  /** What it is over with; left out where somebody else serves it. */
  carrier?: Carrier;
};

/** Takes a request through all stages up to the door. Never throws. */
export type Admit = (request: ReceivedRequest, doors: Doors) => void;
