/** What the policy is asked. Names are folded, and checked where they enter. */
export type DecisionInput = {
  readonly subject: string;
  readonly groups: readonly string[];
  /** Present when the issuer is configured to carry the groups in its tokens. */
  readonly groups_from?: 'token';
  readonly api: string;
  readonly operation: string;
  readonly method: string;
  /** The operation's path template, never the concrete path or the query. */
  readonly path: string;
  /** Names of the declared networks the caller's address is in, sorted. */
  readonly networks: readonly string[];
  readonly mfa: boolean;
  /** Whole seconds since 1970. */
  readonly time: number;
  /**
   * The path parameters that grants of the caller restrict at this API, by name; null where the request has none of that
   * name. Left out where none is restricted.
   */
  readonly params?: Readonly<Record<string, string | null>>;
  /** The claims of the caller's token that these grants name, likewise. */
  readonly claims?: Readonly<Record<string, string | null>>;
  /** What the API's file lets policies know besides; what is not there is left out. */
  readonly facts?: Readonly<Record<string, FactValue>>;
};

export type FactScalar = string | number | boolean;
export type FactValue = FactScalar | readonly FactScalar[];

/**
 * What a record holds of facts: those that their API lets it; null where one was not there. Of whichever was not as its
 * API says, that is told.
 */
export type RecordedFacts = Readonly<
  Record<string, FactValue | null | { readonly sha256: string } | { readonly malformed: true }>
>;

/** What the policy answers. `grants` are the ids that justify an allow, sorted; empty for a denial. */
export type DecisionResult = {
  readonly allow: boolean;
  readonly grants: readonly string[];
  readonly reason: string;
};
