import { z } from 'zod';
import type { Release, ReleaseTerms } from '../../bundle/archive/release.ts';
import { parseRate } from '../../bundle/format/rate.ts';
import { type Fact, facts } from '../../bundle/grants/api/facts.ts';
import { authenticationMethods, type JwtClaims } from '../../bundle/grants/credentials.ts';
import { apiName, rate, tier } from '../../bundle/grants/schema.ts';
import type { PolicyReads } from '../../bundle/policy/examine/policyReads.ts';
import type { SharedDelta } from './lineDelta.ts';
import { type LineIndex, openIndex, type SharedLines } from './lineIndex.ts';

const operations = z.record(z.string(), z.string());
const route = z.union([
  z.strictObject({ prefix: z.string(), strip: z.boolean() }),
  z.strictObject({ host: z.string() }),
]);

const names = z.array(z.string()).min(1);
const cors = z
  .strictObject({
    credentials: z.literal(true).optional(),
    expose: names.optional(),
    headers: names.optional(),
    max_age: z.int().min(0),
    origins: names,
  })
  .refine(({ credentials, origins }) => credentials !== true || !origins.includes('*'));

const apiEntry = z.strictObject({
  assertion: z.literal(true).optional(),
  authentication: z.array(z.enum(authenticationMethods)).min(1).optional(),
  body: z.int().min(1).optional(),
  cors: cors.optional(),
  description: z.string(),
  encoded_slash: z.array(z.string()).min(1).optional(),
  // As files are read: a bundle of somebody else's making gets no credential into decisions either.
  facts: facts.optional(),
  host_header: z.literal('caller').optional(),
  operations,
  owner: z.string(),
  public: z.array(z.string()).min(1).optional(),
  rate: rate.transform(parseRate).optional(),
  roles: z.record(z.string(), z.array(z.string())).optional(),
  route,
  tier,
  upstream: z.string(),
});

const apis = z.record(apiName, apiEntry);
const services = z.record(z.string(), z.string());
const credentials = z.strictObject({
  api_keys: services,
  certificate_dns: services.default({}),
  certificate_subjects: services.default({}),
  certificate_uris: services.default({}),
  jwt_claims: z
    .array(
      z.strictObject({
        claims: z.record(z.string(), z.string()).refine((claims) => Object.keys(claims).length > 0),
        issuer: z.string(),
        service: z.string(),
      }),
    )
    .default([]),
  jwt_subjects: services,
  spiffe_ids: services,
});
const networks = z.record(z.string(), z.array(z.string()));

/** An API as the bundle publishes it; `operations` maps names to `METHOD /path/{template}`. */
export type ApiEntry = z.output<typeof apiEntry>;

/** Where a fact comes from, and what it is. */
export type FactEntry = Fact;

export type CorsEntry = z.output<typeof cors>;

/** Credential → principal (`service:NAME`). */
export type Credentials = {
  /** SHA-256 of the secret part, hex. */
  apiKeys: ReadonlyMap<string, string>;
  /** `ISSUER|SUBJECT`. */
  jwtSubjects: ReadonlyMap<string, string>;
  /** By issuer: the claims that a token must have, every one of them to the letter. */
  jwtClaims: ReadonlyMap<string, readonly ClaimedService[]>;
  spiffeIds: ReadonlyMap<string, string>;
  certificateUris: ReadonlyMap<string, string>;
  certificateDns: ReadonlyMap<string, string>;
  /** As in `C=DE, O=Example, CN=invoicer`, in the certificate's order. */
  certificateSubjects: ReadonlyMap<string, string>;
};

export type ClaimedService = { claims: readonly (readonly [string, string])[]; service: string };

/** What data.json says outside its lines. */
export type Head = {
  readonly apis: ReadonlyMap<string, ApiEntry>;
  readonly credentials: Credentials;
  readonly networks: ReadonlyMap<string, readonly string[]>;
};

/** One revision, ready to decide with. It never changes; a request uses the one it started with. */
export type Snapshot = Head &
  Release &
  ReleaseTerms & {
    /** The commit. */
    readonly revision: string;
    /** RFC 3339. */
    readonly committedAt: string;
    /** `sha256:HEX` of data.json. */
    readonly digest: string;
    /** How many grants it holds. */
    readonly grants: number;
    /** Milliseconds since 1970. */
    readonly loadedMs: number;
    /** Milliseconds since 1970: the branch has moved to it then at the earliest; null when nobody watched it move. */
    readonly movedMs: number | null;
    readonly wasm: WebAssembly.Module;
    /** What its policy reads of the document, and whether its answers follow the clock. */
    readonly reads: PolicyReads;
    /** `sha256:HEX` of the WASM bytes: equal when the rules are. */
    readonly policy: string;
    readonly lines: LineIndex;
    /** What the snapshot accepted before it, by its revision and digest, had otherwise; null when that is not known. */
    readonly before: { revision: string; digest: string; delta: SharedDelta } | null;
  };

/** A snapshot as the loader thread posts it. */
export type PostedSnapshot = Omit<Snapshot, 'lines' | 'loadedMs' | 'movedMs'> & { lines: SharedLines };

/** Opens a posted snapshot in the serving thread: no parsing, no copying. Both times are milliseconds since 1970. */
export function openSnapshot(
  posted: PostedSnapshot,
  loadedMs: number,
  movedMs: number | null = null,
): Snapshot {
  return { ...posted, lines: openIndex(posted.lines), loadedMs, movedMs };
}

/** Reads the parts of data.json that are not lines. Throws HeadError when they are not what this version understands. */
export function readHead(lines: SharedLines): Head {
  const read = <T>(part: keyof SharedLines['head'], schema: z.ZodType<T>): T => {
    const result = schema.safeParse(JSON.parse(lines.head[part]));
    if (result.success) return result.data;
    const where = result.error.issues.map((issue) => [part, ...issue.path].join('.'));
    throw new HeadError(`data.json holds what this version does not understand at ${where.join(', ')}`);
  };
  const known = new Map(Object.entries(read('apis', apis)));
  for (const { api } of lines.sections)
    if (api !== null && !known.has(api))
      throw new HeadError(`data.json grants access to "${api}", which is no API`);
  const found = read('credentials', credentials);
  return {
    apis: known,
    credentials: {
      apiKeys: new Map(Object.entries(found.api_keys)),
      jwtSubjects: new Map(Object.entries(found.jwt_subjects)),
      jwtClaims: byIssuer(found.jwt_claims),
      spiffeIds: new Map(Object.entries(found.spiffe_ids)),
      certificateUris: new Map(Object.entries(found.certificate_uris)),
      certificateDns: new Map(Object.entries(found.certificate_dns)),
      certificateSubjects: new Map(Object.entries(found.certificate_subjects)),
    },
    networks: new Map(Object.entries(read('networks', networks))),
  };
}

function byIssuer(entries: readonly (JwtClaims & { service: string })[]): Credentials['jwtClaims'] {
  const known = new Map<string, ClaimedService[]>();
  for (const { issuer, claims, service } of entries)
    known.set(issuer, [...(known.get(issuer) ?? []), { claims: Object.entries(claims), service }]);
  return known;
}

export class HeadError extends Error {
  readonly code = 'bundle-malformed';
  override readonly name = 'HeadError';
}
