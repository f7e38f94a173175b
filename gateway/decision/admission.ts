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
  readonly onEnd: (listener: () => void) => void;
  /** The status of an answer to an upgrade, once there is one. */
  readonly answered?: number | undefined;
};

/** Who was allowed to do what, the last time it was told. `address` is null where somebody else said in which `networks` the caller is. */
export type AllowedCall = {
  readonly identity: Identity;
  readonly route: { api: string; operation: string };
  readonly address: string | null;
  readonly networks: readonly string[];
  readonly stated?: Stated;
} & Pick<Question, 'path'>;

/** A request that the policy has been asked about. */
export type Decided = {
  /** The decision's id. */
  readonly id: string;
  readonly canonical: CanonicalRequest;
  /** The request, for what its headers say. */
  readonly headers: SentHeaders;
  readonly route: Route;
  readonly identity: Identity;
  readonly decision: Decision;
  /** The revision it was decided by. */
  readonly enforcement: Enforcement;
  /** The caller's address, for the upstream's forwarding headers only. */
  readonly address: string;
  /** What the answer tells browsers, in place of what the API's own says; null or left out: that stays. */
  readonly cors?: CorsHeaders | null;
  /** What the caller said of its trace, when it said something. */
  readonly trace: Trace | null;
};

/** What is left of a request's rates, as response headers tell it. */
export type RateLimitHeaders = { readonly policy: string; readonly state: string };

/** A request that may go to its upstream: decided, within its limits, and on record. */
export type Admission = Decided & {
  /** Null where there are no rates. */
  readonly allowance: RateLimitHeaders | null;
  /** Who calls, signed for the upstream; null where nobody signs. */
  readonly assertion: string | null;
};

/** Exactly one of them is called, once, after the decision is on record where there was one. */
export type Doors = {
  /** A browser's preflight is answered here; left out where there are none. */
  readonly preflight?: (headers: CorsHeaders) => void;
  readonly admitted: (admission: Admission) => void;
  readonly refused: (refusal: Refusal, decisionId: string | null, decided?: Decided) => void;
};

/** What is decided of a request, wherever it comes in. */
export type ReceivedRequest = {
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  /** Names and values in turn, as Node gives them. */
  readonly rawHeaders: readonly string[];
  /** Whether a trusted proxy sent it; left out, none did. */
  readonly fromProxy?: (() => boolean) | undefined;
  /** The caller's address. */
  readonly address: string;
  /** What it showed on its connection; left out where somebody else holds that. */
  readonly certificate?: ClientCertificate | null;
  /** How many bytes its body has, where that is told. */
  readonly bodyBytes?: number;
  /** What it is over with; left out where somebody else serves it. */
  readonly carrier?: Carrier;
};

/** Takes a request through all stages up to the door. Never throws. */
export type Admit = (request: ReceivedRequest, doors: Doors) => void;
