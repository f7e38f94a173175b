import { z } from 'zod';
import { isInternet } from '../format/isInternet.ts';
import { rateForm } from '../format/rate.ts';
import { dotSegment, operationForm, operationNameForm } from '../openapi/operationForm.ts';
import { cors } from './api/cors.ts';
import { exception } from './api/exception.ts';
import { facts } from './api/facts.ts';
import { params } from './api/params.ts';
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
/** Of none, too. */
export const listOrNone = <T extends z.ZodType>(item: T) =>
  z.array(item).refine(unique, { error: 'must not name one twice' });
export const list = <T extends z.ZodType>(item: T) =>
  listOrNone(item).min(1, { error: 'must name at least one' });

/** `COUNT/PERIOD`, for example `600/min`. */
export const rate = name('a rate like "600/min" (s, min, h or day)', rateForm);

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
      prefix: name('a path prefix like "/orders"', /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/).describe(
        'What the path of every request to it begins with.',
      ),
      strip: z
        .boolean()
        .default(false)
        .describe(
          'Whether the prefix is taken off before a request is forwarded; operations are written without it either way.',
        ),
    }),
    z.strictObject({
      host: name(
        'a host name like "orders.example.com"',
        /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
      ).describe('The host name by which callers ask for it, in place of a prefix.'),
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
    api: apiName.describe('Its name, which is also that of the file.'),
    description: text(500).describe('What it is for, in 500 characters at most.'),
    owner: owner.describe('Who answers for it: `user:LOGIN` or `group:NAME`.'),
    tier: tier.describe('How much depends on it; high and critical ones are reviewed more closely.'),
    upstream: upstream.describe(
      'The address that requests to it are forwarded to; a path in it goes before theirs.',
    ),
    route: route.describe('Which requests are meant for it: by `prefix`, or by `host`.'),
    operations: z
      .record(operationName, operation)
      .optional()
      .describe(
        'What one can do there: a name for each method and path template, like `getOrder: GET /v1/orders/{orderId}`.',
      ),
    openapi: name(
      'a path like ./orders.openapi.yaml',
      /^\.\/[A-Za-z0-9_-][A-Za-z0-9._-]*\.openapi\.(?:yaml|json)$/,
    )
      .optional()
      .describe('An OpenAPI document beside this file that names the operations, in place of `operations`.'),
    cors: cors.optional().describe('Which pages of other origins may call it from browsers; left out, none.'),
    exceptions: z
      .record(operationName, exception)
      .optional()
      .describe('Settings for single operations, by their names.'),
    facts: facts
      .optional()
      .describe('What policies may know of a request besides, as `input.facts.NAME`; left out, nothing.'),
    roles: z
      .record(roleName, list(z.string()))
      .default({})
      .describe('Names for sets of operations; a role may name other roles.'),
    limits: z
      .strictObject({
        rate: rate
          .optional()
          .describe('Requests of each caller to it, as COUNT/PERIOD; left out, any number.'),
        body: size
          .optional()
          .describe('The largest body of a request; left out, `limits.body` of gateway.yaml.'),
      })
      .optional()
      .describe('How much each caller may use it.'),
    authentication: list(z.enum(authenticationMethods))
      .optional()
      .describe('Which ways to authenticate it accepts; left out, all.'),
    assertion: z
      .boolean()
      .optional()
      .describe(
        'Whether it also gets a signed assertion of who calls; for APIs that others can reach as well.',
      ),
    host_header: z
      .enum(['upstream', 'caller'], { error: 'must be "upstream" or "caller"' })
      .optional()
      .describe(
        'Which Host header it gets: the name in `upstream`, which is the default, or what the caller sent.',
      ),
  })
  .refine((api) => (api.operations === undefined) !== (api.openapi === undefined), {
    error: 'must have either "operations" or "openapi"',
  });

export const conditions = z.strictObject({
  networks: list(networkName)
    .optional()
    .describe('Networks of networks.yaml; the caller must come from one of them.'),
  mfa: z
    .literal(true, { error: 'must be true, or left out' })
    .optional()
    .describe('The caller must have used a second factor.'),
});

const review = z.strictObject({
  decision: z.literal('keep', { error: 'must be "keep"' }).describe('What was decided.'),
  by: principal.describe('Who decided it.'),
  at: instant.describe('When it was decided.'),
  until: dayOrInstant
    .optional()
    .describe(
      'Until when findings of disuse are not raised again, that day included; left out, the review only counts as an answer.',
    ),
  reason: text(500).describe('Why it is kept, in 500 characters at most.'),
});

export const grant = z
  .strictObject({
    id: grantId.describe(
      'Its name in decision records and findings; it is never used again, not even by a later grant.',
    ),
    principal: principal.describe('Who may: `user:LOGIN`, `group:NAME` or `service:NAME`.'),
    api: apiName.describe('The API, which is also the folder of the file.'),
    role: roleName.optional().describe('The role of that API that is granted; or else `operations`.'),
    operations: list(operationName)
      .optional()
      .describe('The operations of that API that are granted, in place of a role.'),
    reason: text(500).describe('What the access is for, in 500 characters at most.'),
    ticket: text(100).optional().describe('Where it was asked for.'),
    owner: owner.describe('Who answers for it in reviews: `user:LOGIN` or `group:NAME`.'),
    granted: dayOrInstant.describe(
      'When it was given, from which reviews count: a day (its first instant, UTC) or an instant. It holds as soon as it is merged, whatever stands here.',
    ),
    expires: dayOrInstant
      .optional()
      .describe('When it ends: a day, that day (UTC) included, or an instant; left out, it does not end.'),
    cadence: z
      .enum(['daily', 'monthly', 'quarterly', 'annual', 'break-glass'])
      .optional()
      .describe(
        'How often it is used at least; lengthens the windows of reviews, and break-glass is never called unused.',
      ),
    state: z
      .enum(['active', 'suspended'])
      .default('active')
      .describe('A suspended grant stays in the file and allows nothing.'),
    params: params
      .optional()
      .describe(
        'Which values path parameters must have, by name: any of a list, or what a claim of the token says; of a role, operations without these parameters are not granted.',
      ),
    conditions: conditions.optional().describe('Further conditions on requests.'),
    limits: z
      .strictObject({
        rate: rate
          .optional()
          .describe(
            'Requests of each caller by it, as COUNT/PERIOD. It applies only if every grant that allows the request has a rate; their rates then add up.',
          ),
      })
      .optional()
      .describe('How many requests it allows.'),
    review: review
      .optional()
      .describe('The last certification that it is still needed, as a merged review writes it.'),
  })
  .refine((value) => (value.role === undefined) !== (value.operations === undefined), {
    error: 'must have either "role" or "operations"',
  });

/** grants/access/API/OWNER.yaml: one or more grants. */
export const accessFile = z.array(grant);

/** What a provider calls an account by, for ever. */
export const personId = text(200);

/** grants/directory/PROVIDER.yaml, written by the identity sync. */
export const directoryFile = z.strictObject({
  provider: name('a provider name like "okta"', /^[a-z0-9][a-z0-9-]{0,62}$/).describe(
    'Whose people these are; also the name of the file.',
  ),
  synced: instant.describe('When the provider was read.'),
  complete: z.boolean().describe('Whether all of it was read; else nobody is called missing by it.'),
  people: z
    .array(
      z.strictObject({
        login: login.describe('What they are called in grants and tokens; case does not matter.'),
        id: personId.describe("The provider's own, for ever: a login with another id is another person."),
        status: z.enum(['active', 'suspended', 'deprovisioned']).describe('Only an active person is let in.'),
        manager: login.optional().describe('The login of whoever they report to.'),
        last_sign_in: instant.optional().describe('When they last signed in at the provider.'),
        github: text(100).optional().describe('What GitHub calls them, where that is another name.'),
      }),
    )
    .describe('Everybody with an account.'),
  groups: z
    .array(
      z.strictObject({
        name: groupName.describe('What it is called in grants: `group:NAME`.'),
        id: personId.optional().describe("The provider's own, where it has one: a rename leaves it."),
        members: listOrNone(principal).describe('Who is in it: people, services and other groups.'),
      }),
    )
    .describe('Groups, which hold grants for all their members.'),
});

/** grants/directory/services.yaml, kept by hand. */
export const servicesFile = z.strictObject({
  services: z
    .array(
      z.strictObject({
        name: serviceName.describe('What it is called in grants: `service:NAME`.'),
        owner: owner.describe('Who answers for it: `user:LOGIN` or `group:NAME`.'),
        state: z.enum(['active', 'disabled']).describe('Only an active service is let in.'),
        credentials: z
          .array(credential)
          .default([])
          .describe('What proves that a caller is this service; each entry has one of these keys.'),
      }),
    )
    .describe('Programs that call APIs.'),
});

/** grants/networks.yaml: name → CIDR blocks. */
export const networksFile = z.record(
  networkName,
  list(z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a CIDR block like 192.0.2.0/25' }))
    .refine((blocks) => !isInternet(blocks), {
      error: 'must not add up to the whole internet, or to nearly all of it',
    })
    .describe('The CIDR blocks of a network that conditions of grants name.'),
);

export type ApiFile = z.output<typeof apiFile>;
export type GrantEntry = z.output<typeof grant>;
export type DirectoryFile = z.output<typeof directoryFile>;
export type Service = z.output<typeof servicesFile>['services'][number];
export type Tier = z.output<typeof tier>;
