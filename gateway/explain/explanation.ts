import type { Change } from '../../bundle/git/changesOf.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Stated } from '../decision/decision.ts';
import type { DecisionInput } from '../decision/decisionInput.ts';
import type { Route } from '../request/routeOf.ts';

/** An operation as callers see it. */
export type Matched = {
  operation: string;
  method: string;
  /** Where it is called: `/orders/v1/orders/{orderId}`, with the host before it where the API has one of its own. */
  address: string;
  route: Route;
  /** The canonical path of a request that means it; left out where its name was given. */
  path?: string;
};

/** What would help whoever was denied. */
export type Advice = {
  sentence: string;
  /** Whom to ask, `user:LOGIN` or `group:NAME`. */
  of: string | null;
  /** The role to ask for. */
  role: string | null;
  /** The grant that would do, were it renewed, resumed or its conditions met. */
  grant: string | null;
};

/** What is to be explained; `time` is whole seconds since 1970. */
export type ExplainQuestion = {
  subject: string;
  api: string;
  /** The operation by its name, or a request that means one. */
  call: { operation: string } | { method: string; path: string };
  networks: readonly string[];
  mfa: boolean;
  time: number;
  /** What is said of path parameters and claims of the caller's token, by name. */
  stated?: Stated;
};

/** Where a grant stands and who put it there. */
export type Origin = {
  file: string;
  line: number;
  role: string | null;
  reason: string;
  owner: string;
  added: Change | null;
  /** The newest change since; null when there is none. */
  changed: Change | null;
};

export type ExplainedGrant = {
  id: string;
  /** Through whom the caller holds it: the caller itself, or a group. */
  principal: string;
  holds: boolean;
  /** What the policy answers when this grant is all there is. */
  reason: string;
  sentence: string;
  /** What it lacks besides that reason, a phrase each. */
  also: readonly string[];
  operations: readonly string[];
  /** Known where the files are at hand; the history only of the grants that decide. */
  origin: Origin | null;
};

export type Explanation = {
  revision: string | null;
  /** What the policy was asked; null when no operation matched. */
  input: DecisionInput | null;
  operation: Omit<Matched, 'route'> | null;
  allowed: boolean;
  reason: string;
  grants: ExplainedGrant[];
  /** The entries of data documents that the policy was given, where it reads any: null where there is none of that key. */
  data?: readonly { document: string; key: string; value: unknown }[];
  /** What to ask for; null when allowed. */
  ask: Advice | null;
};

/** The files of a revision: `history` says whether Git can tell who wrote them, and `revision` is null for those on disk. */
export type Files = { tree: Tree; revision: string | null; history: boolean };
