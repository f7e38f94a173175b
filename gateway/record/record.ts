import type { DecisionInput, DecisionResult, RecordedFacts } from '../decision/decisionInput.ts';

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
  /** What the policy was asked, less the facts of the request that its API does not let on record. */
  input: Omit<DecisionInput, 'facts'> & { facts?: RecordedFacts };
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
/**
 * Proof of life between decisions: carries the last `seq` and takes none itself. The one that begins a file says besides
 * what place the file has in its instance's chain.
 */
export type Heartbeat = {
  heartbeat: true;
  timestamp: string;
  instance: string;
  seq: number;
  chain?: Link;
};
/** A file's place in the chain of its instance's files, counted from 1; digests are SHA-256 in hex. */
export type Link = {
  place: number;
  /**
   * The file before it, as its bytes lay when this one began (what compresses them changes nothing); null in the first.
   * The digest is null where the file was gone by then and nobody had noted it.
   */
  previous: { file: string; sha256: string | null; bytes: number | null } | null;
  /** The manifest of what was pruned and erased, as far as it went then; null while there was none. */
  notes: { bytes: number; sha256: string } | null;
};
/** The last line of an orderly end: from here on the instance's silence hides nothing. Takes no `seq`. */
export type Stopped = { stopped: true; timestamp: string; instance: string; seq: number };
