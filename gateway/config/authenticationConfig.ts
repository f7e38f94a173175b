import { z } from 'zod';

type Time = z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>;

/** TLS for callers. With `client_ca`, their certificates are asked for, and those that it signed can prove a service. */
export const tlsConfig = z.strictObject({
  cert: z.string().min(1),
  key: z.string().min(1),
  client_ca: z.string().min(1).optional(),
});

/** How a token's claims become a caller; the same for tokens we verify and for those we ask about. */
export const claimMapping = {
  login_claim: z.string().min(1).default('sub'),
  groups: z
    .union([z.literal('directory'), z.strictObject({ claim: z.string().min(1) })])
    .default('directory'),
};

/** `introspection` of gateway.yaml: whom to ask about opaque tokens. Times are milliseconds then. */
export const introspectionConfig = <Address extends z.ZodType<string>, Secret extends z.ZodType>(
  address: Address,
  secret: Secret,
  time: Time,
) =>
  z
    .strictObject({
      endpoint: address,
      /** As `iss` says it, where the answer says it; and as services.yaml names it. */
      issuer: z.url({ protocol: /^https?$/ }),
      client_id: z.string().min(1),
      client_secret: secret,
      audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
      scope: z
        .string()
        .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be one scope, without spaces' })
        .optional(),
      ...claimMapping,
      /** How long an answer counts: so long may a token that was revoked there go on. */
      cache: time.prefault('30s').refine((ms) => ms <= 300_000, { error: 'must be 5min at most' }),
      timeout: time.prefault('5s').refine((ms) => ms <= 30_000, { error: 'must be 30s at most' }),
    })
    .refine(({ audience, scope }) => audience !== undefined || scope !== undefined, {
      error: 'must have "audience" or "scope", else tokens for others would pass',
    });
