import { z } from 'zod';
import { named, secret, secureUrl, wait } from './values.ts';

/** TLS for callers. With `client_ca`, their certificates are asked for, and those that it signed can prove a service. */
export const tlsConfig = z.strictObject({
  cert: named.describe('The certificate and those between it and the root, PEM.'),
  key: named.describe('Its private key, PEM.'),
  client_ca: named
    .optional()
    .describe("Who signs services' certificates, PEM; they are asked for then, not demanded."),
});

/** How a token's claims become a caller; the same for tokens we verify and for those we ask about. */
export const claimMapping = {
  login_claim: named.default('sub').describe("The claim that is the person's login in the directory."),
  groups: z
    .union(
      [
        z.literal('directory'),
        z.strictObject({ claim: named.describe('The claim of the token that lists its groups.') }),
      ],
      {
        error: 'must be directory or { claim: NAME }',
      },
    )
    .default('directory')
    .describe(
      'directory: groups are what grants/directory says, and whom it does not know is denied. { claim: NAME }: groups are what the token says, by the name of a claim or a path like realm_access.roles; a slash before a name goes.',
    ),
  second_factor: z
    .strictObject({
      amr: z.array(named).default(['mfa']).describe('Methods of `amr` that count.'),
      acr: z.array(named).default([]).describe('Classes of `acr` that count.'),
    })
    .optional()
    .describe('What of a token says that its bearer used a second factor; left out, `mfa` among its `amr`.'),
  people: z
    .array(named)
    .optional()
    .describe(
      'The ends of logins that it may name, like "@example.com"; [] names no person. Left out, any: then it can name the people of other issuers too.',
    ),
  services: z
    .array(named.regex(/^service:/, { error: 'must be a service like "service:shop"' }))
    .optional()
    .describe('The services that its tokens may prove; left out, those that services.yaml says.'),
  unverified_email: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe(
      'Whether a mail address that it says it has not verified (`email_verified`, `xms_edov`) can be a login.',
    ),
};

/** `introspection` of gateway.yaml: whom to ask about opaque tokens. Times are milliseconds then. */
export const introspectionConfig = z
  .strictObject({
    endpoint: secureUrl.describe('Where tokens are asked about (RFC 7662).'),
    issuer: z
      .url({ protocol: /^https?$/, error: 'must be an address like https://login.example.com' })
      .describe("As the answer's `iss` has it, where it has one, and as services.yaml names it."),
    client_id: named.describe('We sign in with it.'),
    client_secret: secret.describe('We sign in with it.'),
    audience: z
      .union([named, z.array(named).min(1)], { error: 'must be a name, or a list of names' })
      .optional()
      .describe('One of these must be in the answer for the token to be meant for us.'),
    scope: z
      .string()
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be one scope, without spaces' })
      .optional()
      .describe('This must be in the answer for the token to be meant for us.'),
    ...claimMapping,
    cache: wait
      .prefault('30s')
      .refine((ms) => ms <= 300_000, { error: 'must be 5min at most' })
      .describe('How long an answer counts: as long may a token that was revoked there go on.'),
    timeout: wait
      .prefault('5s')
      .refine((ms) => ms <= 30_000, { error: 'must be 30s at most' })
      .describe('How long an answer is waited for.'),
  })
  .refine(({ audience, scope }) => audience !== undefined || scope !== undefined, {
    error: 'must have "audience" or "scope", else tokens for others would pass',
  });
