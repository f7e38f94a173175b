/**
 * One decision as it lies in the log: one JSON object per line, with the names of OPA's decision log. Credentials,
 * bodies, query strings and addresses have no field here, so they cannot enter it.
 */
export type DecisionRecord = {
  /** RFC 3339, UTC, milliseconds. */
  timestamp: string;
  /** ULID. */
  decision_id: string;
  instance: string;
  /** Per instance, from 1, without gaps, over restarts too. */
  seq: number;
  path: 'grantgate/authz/decision';
  bundles: { grantgate: { revision: string } };
  input: DecisionInput;
  result: DecisionResult;
  /** What the caller got; absent when the record is written before the upstream has answered. */
  status?: number;
  metrics?: { timer_rego_wasm_eval_ns: number };
  /** The W3C trace the request belongs to, when it came with one: 32 hexadecimal digits. */
  trace_id?: string;
  /** On a denial that the revision before would have allowed: that revision, and by which grants. */
  regressed?: { revision: string; grants: readonly string[] };
};

/**
 * An open stream that ended because its access did. It takes a `seq` like a decision, but is none, and no use of a
 * grant: who counts either passes over it by `event`.
 */
export type StreamClosed = {
  event: 'stream-closed';
  /** RFC 3339, UTC, milliseconds. */
  timestamp: string;
  /** The decision that let it in. */
  decision_id: string;
  instance: string;
  seq: number;
  /** The revision that let it in. */
  bundles: { grantgate: { revision: string } };
  /** The revision in force when it was closed; after a grant or a credential has ended, it may be the same. */
  closed_by: { revision: string };
  reason: 'revoked' | 'expired' | 'credential-expired' | 'bundle-expired' | 'policy-stale';
  subject: string;
  api: string;
  operation: string;
  /** The grants it rested on last. */
  grants: readonly string[];
};

/** What takes a `seq`. */
export type LogEntry = DecisionRecord | StreamClosed;

/** What the policy is asked. All strings are ASCII: names are checked where they enter. */
export type DecisionInput = {
  subject: string;
  groups: readonly string[];
  /** Present when the issuer is configured to carry the groups in its tokens. */
  groups_from?: 'token';
  api: string;
  operation: string;
  method: string;
  /** The operation's path template, never the concrete path or the query. */
  path: string;
  /** Names of the declared networks the caller's address is in, sorted. */
  networks: readonly string[];
  mfa: boolean;
  /** Whole seconds since 1970. */
  time: number;
};

/** What the policy answers. `grants` are the ids that justify an allow, sorted; empty for a denial. */
export type DecisionResult = { allow: boolean; grants: readonly string[]; reason: string };

/** Proof of life between decisions: carries the last `seq` and takes none itself. */
export type Heartbeat = { heartbeat: true; timestamp: string; instance: string; seq: number };
