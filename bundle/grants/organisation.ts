import type { Place } from '../yaml/places.ts';
import type { ReviewRules } from './reviewRules.ts';
import type { ApiFile, DirectoryFile, GrantEntry, Service, Tier } from './schema.ts';

/** An API with its operations resolved (also from OpenAPI) and its roles expanded to sorted operation names. */
export type Api = {
  name: string;
  description: string;
  owner: string;
  tier: Tier;
  upstream: string;
  route: ApiFile['route'];
  /** Operation name → `METHOD /path/{template}`. */
  operations: ReadonlyMap<string, string>;
  /** Role name → the operations it covers, sorted; included roles expanded. */
  roles: ReadonlyMap<string, readonly string[]>;
  limits: ApiFile['limits'];
  /** The ways to authenticate that it takes; all of them when undefined. */
  authentication?: ApiFile['authentication'];
  /** Whether it is told in a signed form who calls; left out, it is not. */
  assertion?: boolean;
  /** Which Host header it gets; left out, its own name. */
  host_header?: ApiFile['host_header'];
  /** Which pages may call it from browsers; left out, what its own answers say. */
  cors?: ApiFile['cors'];
  /** Operations that anybody may call, sorted; left out, none. */
  public?: readonly string[];
  /** Operations whose parameters may hold `%2F`, sorted; left out, none. */
  encodedSlash?: readonly string[];
  /** What policies may know of its requests besides; left out, nothing. */
  facts?: ApiFile['facts'];
  place: Place;
};

/** A grant as written, with what it covers and where it stands. */
export type Grant = GrantEntry & {
  /** The operations the role or list covers, sorted. */
  covers: readonly string[];
  /** First instant of `granted`, whole seconds since 1970. */
  grantedAt: number;
  /** Exclusive end, whole seconds since 1970; null when the grant does not expire. */
  expiresAt: number | null;
  /** The item in its list, from its first key to the end of its last value. */
  place: Place;
};

export type Person = DirectoryFile['people'][number] & { provider: string };

export type Group = {
  name: string;
  /** Members as the directory lists them, sorted; several providers' lists are joined. */
  members: readonly string[];
};

/** Everything one revision of grants/ says, checked and cross-referenced. */
export type Organisation = {
  apis: ReadonlyMap<string, Api>;
  grants: readonly Grant[];
  people: ReadonlyMap<string, Person>;
  groups: ReadonlyMap<string, Group>;
  services: ReadonlyMap<string, Service>;
  /** Principal (`user:`, `service:`) → every group it is in, directly or through groups, as sorted `group:NAME`. */
  memberships: ReadonlyMap<string, readonly string[]>;
  networks: ReadonlyMap<string, readonly string[]>;
  review: ReviewRules;
  directories: readonly { provider: string; synced: string; complete: boolean; file: string }[];
};
