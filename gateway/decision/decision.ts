import type { Rate } from '../../bundle/format/rate.ts';
import type { Identity } from '../identity/authenticate.ts';
import type { Route } from '../request/routeOf.ts';
import type { DecisionInput, DecisionResult, FactValue, RecordedFacts } from './decisionInput.ts';

/** The facts of one request: `fault` names one that is there and is not as its API says. */
export type Facts = {
  readonly values: Readonly<Record<string, FactValue>>;
  readonly fault: string | null;
  readonly onRecord: RecordedFacts | null;
};

/** What somebody who asks in code says of a request, by name: nothing else is known of it. */
export type Stated = {
  readonly params: ReadonlyMap<string, string>;
  readonly claims: ReadonlyMap<string, string>;
  /** Facts by their own names; these count before what else is said. */
  readonly facts?: ReadonlyMap<string, unknown>;
  /** What AuthZEN calls properties, and the context; facts are read from them. */
  readonly properties?: Properties;
};

/** By whose they are. */
export type Properties = Readonly<
  Partial<Record<'subject' | 'resource' | 'action' | 'context', Readonly<Record<string, unknown>>>>
>;

/** The headers of a request, names and values in turn as Node gives them. */
export type SentHeaders = {
  readonly rawHeaders: readonly string[];
  /** Whether a trusted proxy sent it; left out, none did. */
  readonly fromProxy?: (() => boolean) | undefined;
};

/** What is asked for one request; `time` is whole seconds since 1970. */
export type Question = {
  readonly identity: Identity;
  readonly route: Route;
  readonly method: string;
  readonly networks: readonly string[];
  readonly time: number;
  /** The canonical path, for its parameters; left out where there is none, and somebody says what would be in it. */
  readonly path?: string;
  /** What whoever asks says of parameters and claims; counts where no path and no credential is there. */
  readonly stated?: Stated;
  /** The request itself, for its headers; left out where there is none. */
  readonly headers?: SentHeaders;
  /** Its facts, where they have been read already. */
  readonly facts?: Facts;
};

/** What bounds a grant: how often it may be used, and to when, seconds since 1970. */
export type GrantBounds = { readonly rate: Rate | null; readonly expires: number | null };

/** The policy's answer, with what is recorded of it. */
export type Decision = {
  readonly input: DecisionInput;
  readonly result: DecisionResult;
  /** What its record holds in the place of `input.facts`; null, or left out: nothing. */
  readonly factsOnRecord?: RecordedFacts | null;
  /** The fact that is there and is not as its API says. */
  readonly factFault?: string | null;
  /** Time spent in slices, WASM and reading the result; 0 when it was remembered. */
  readonly nanoseconds: number;
  /**
   * Grant id → its bounds, for those grants an allow rests on that have a rate or an end; in the order in which their
   * rates are taken from.
   */
  readonly bounds: ReadonlyMap<string, GrantBounds>;
  /** What was thrown, when the policy could not be evaluated. */
  readonly failure: unknown;
  /**
   * When the same question has the same answer, whole seconds since 1970: from the first, to before the second. Either
   * may be infinite.
   */
  readonly holds: { readonly from: number; readonly until: number };
  readonly memory: Memory;
};

/**
 * What was made of a decision, for the other requests that it answers: all of them have the same caller with the same
 * credential. Each field belongs to the one who makes it; null until then.
 */
export type Memory = {
  /** By `identityHeaders`. */
  headers: readonly string[] | null;
  /** By `createAssertionOf`. */
  assertion: { text: string; untilMs: number; key: object } | null;
  /** By `createQuota`: how many requests of the caller are open at the API. */
  open: OpenCount | null;
  /** By `createRecordLine`: what a record says of the decision, on both sides of the time. */
  record: { revision: string; before: string; after: string } | null;
  /** By `createAdmit`: when somebody was told last that it allowed, milliseconds since 1970. */
  toldMs: number;
};

export const newMemory = (): Memory => ({
  headers: null,
  assertion: null,
  open: null,
  record: null,
  toldMs: Number.NEGATIVE_INFINITY,
});

/** Answers a question by one revision. Never throws: whatever goes wrong is a denial with a reason of its own. */
export type Decide = (question: Question) => Decision;

/** How many requests of one principal at one API are open; `dropped`: it is forgotten, as there were none. */
export type OpenCount = { count: number; dropped: boolean };
