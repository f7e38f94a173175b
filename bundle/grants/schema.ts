import { z } from 'zod';
import { isInternet } from '../format/isInternet.ts';
import { rateForm } from '../format/rate.ts';
import { dotSegment, operationForm, operationNameForm } from '../openapi/operationForm.ts';
import { authenticationMethods, credential } from './credentials.ts';
import { groupName, login, matching as name, owner, principal, serviceName } from './names.ts';

// The definition of every file under grants/. The JSON Schemas in grants/schema/ come from here, and so do the types.
// Names of our own are ASCII and never begin with an underscore, and those of people and groups stand behind `user:` and
// `group:` wherever they are keys, which keeps `__proto__` and its relatives out of every key.

/** Lower-case API name, also its folder under grants/access/. */
export const apiName = name('a lower-case name like "orders"', /^[a-z0-9][a-z0-9-]{0,62}$/);
export const operationName = name('an operation name like "getOrder"', operationNameForm);
const roleName = name('a role name like "reader"', /^[A-Za-z][A-Za-z0-9._-]{0,63}$/);
const networkName = name('a network name like "office"', /^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
export const grantId = name('a grant id like "orders-billing-read"', /^[a-z0-9][a-z0-9-]{2,119}$/);

/** A calendar day that exists, `YYYY-MM-DD`. */
export const day = z.iso.date({ error: 'must be a date like 2026-03-01' });
export const instant = z.iso.datetime({
  offset: true,
  error: 'must be an instant like 2026-03-01T09:00:00Z',
});
const dayOrInstant = z.union([day, instant], {
  error: 'must be a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z',
});
export const text = (most: number) => z.string().trim().min(1, { error: 'must not be empty' }).max(most);
const unique = <T>(items: readonly T[]) => new Set(items).size === items.length;
export const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .min(1, { error: 'must name at least one' })
    .refine(unique, { error: 'must not name one twice' });

/** `COUNT/PERIOD`, for example `600/min`. */
export const rate = name('a rate like "600/min" (s, min, h or day)', rateForm);
const limits = z.strictObject({ rate: rate.optional() });

/** Bytes, for example `10MB`. */
export const size = name('a size like "10MB" (kB, MB or GB)', /^[1-9][0-9]{0,5}(?:kB|MB|GB)$/);
const units = { k: 1e3, M: 1e6, G: 1e9 };
export const bytesOf = (value: string): number =>
  Number.parseInt(value, 10) * units[value.at(-2) as keyof typeof units];

/** One operation: a method and a canonical path template. */
const operation = name('a method and a path like "GET /v1/orders/{orderId}"', operationForm).refine(
  (value) => !dotSegment.test(value),
  { error: 'must not hold "." or ".." segments' },
);

const route = z.union(
  [
    z.strictObject({
      prefix: name('a path prefix like "/orders"', /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/),
      strip: z.boolean().default(false),
    }),
    z.strictObject({
      host: name('a host name like "orders.example.com"', /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/),
    }),
  ],
  { error: 'must be { prefix: /orders, strip: true } or { host: orders.example.com }' },
);

const upstreamForm = /^https?:\/\/[^/?#@\\\s]+(?:\/[A-Za-z0-9._~!$&'()+,=:@-]+)*\/?$/i;

/** A path here goes before every operation's. It is joined as text, so it is in its one form already. */
const upstream = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address like http://orders.internal:8080' })
  .refine((value) => !/^https?:/i.test(value) || upstreamForm.test(value), {
    error: 'must be scheme, host, port and perhaps a path like /api/v3 only',
  })
  .refine((value) => !dotSegment.test(value), { error: 'must not hold "." or ".." segments' });

export const tier = z.enum(['low', 'medium', 'high', 'critical']);

/** grants/apis/NAME.yaml */
export const apiFile = z
  .strictObject({
    api: apiName,
    description: text(500),
    owner,
    tier,
    upstream,
    route,
    operations: z.record(operationName, operation).optional(),
    openapi: name(
      'a path like ./orders.openapi.yaml',
      /^\.\/[A-Za-z0-9_-][A-Za-z0-9._-]*\.openapi\.(?:yaml|json)$/,
    ).optional(),
    roles: z.record(roleName, list(z.string())).default({}),
    limits: limits.extend({ body: size.optional() }).optional(),
    authentication: list(z.enum(authenticationMethods)).optional(),
    assertion: z
      .boolean()
      .optional()
      .describe('Whether it is told who calls in a signed form too, for what others can reach as well.'),
  })
  .refine((api) => (api.operations === undefined) !== (api.openapi === undefined), {
    error: 'must have either "operations" or "openapi"',
  });

export const conditions = z.strictObject({
  networks: list(networkName).optional(),
  mfa: z.literal(true, { error: 'must be true, or left out' }).optional(),
});

const review = z.strictObject({
  decision: z.literal('keep', { error: 'must be "keep"' }),
  by: principal,
  at: instant,
  until: dayOrInstant.optional(),
  reason: text(500),
});

export const grant = z
  .strictObject({
    id: grantId,
    principal,
    api: apiName,
    role: roleName.optional(),
    operations: list(operationName).optional(),
    reason: text(500),
    ticket: text(100).optional(),
    owner,
    granted: dayOrInstant,
    expires: dayOrInstant.optional(),
    cadence: z.enum(['daily', 'monthly', 'quarterly', 'annual', 'break-glass']).optional(),
    state: z.enum(['active', 'suspended']).default('active'),
    conditions: conditions.optional(),
    limits: limits.optional(),
    review: review.optional(),
  })
  .refine((value) => (value.role === undefined) !== (value.operations === undefined), {
    error: 'must have either "role" or "operations"',
  });

/** grants/access/API/OWNER.yaml: one or more grants. */
export const accessFile = z.array(grant);

/** grants/directory/PROVIDER.yaml, written by the identity sync. */
export const directoryFile = z.strictObject({
  provider: name('a provider name like "okta"', /^[a-z0-9][a-z0-9-]{0,62}$/),
  synced: instant,
  complete: z.boolean(),
  people: z.array(
    z.strictObject({
      login,
      id: text(200),
      status: z.enum(['active', 'suspended', 'deprovisioned']),
      manager: login.optional(),
      last_sign_in: instant.optional(),
      /** What GitHub calls them, where that is another name. */
      github: text(100).optional(),
    }),
  ),
  groups: z.array(
    z.strictObject({
      name: groupName,
      members: z.array(principal).refine(unique, { error: 'must not name one twice' }),
    }),
  ),
});

/** grants/directory/services.yaml, kept by hand. */
export const servicesFile = z.strictObject({
  services: z.array(
    z.strictObject({
      name: serviceName,
      owner,
      state: z.enum(['active', 'disabled']),
      credentials: z.array(credential).default([]),
    }),
  ),
});

/** grants/networks.yaml: name → CIDR blocks. */
export const networksFile = z.record(
  networkName,
  list(z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a CIDR block like 192.0.2.0/25' })).refine(
    (blocks) => !isInternet(blocks),
    { error: 'must not add up to the whole internet, or to nearly all of it' },
  ),
);

/** What a review can find; also how exemptions name it. */
export const detector = z.enum([
  'expired',
  'expiring',
  'never-used',
  'dormant',
  'orphan-disabled',
  'orphan-missing',
  'ownerless',
  'over-privileged',
  'redundant',
  'high-access',
  'mover',
  'separation-of-duties',
  'growth',
]);

export type ApiFile = z.output<typeof apiFile>;
export type GrantEntry = z.output<typeof grant>;
export type DirectoryFile = z.output<typeof directoryFile>;
export type Service = z.output<typeof servicesFile>['services'][number];
export type Detector = z.output<typeof detector>;
export type Tier = z.output<typeof tier>;
