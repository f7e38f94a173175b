import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { fold, matching, serviceName } from './names.ts';

/** How a caller may prove who it is; an API can say which of them it takes. */
export const authenticationMethods = ['jwt', 'introspection', 'api-key', 'client-certificate'] as const;
export type AuthenticationMethod = (typeof authenticationMethods)[number];

const github = 'https://token.actions.githubusercontent.com';
// Anybody on GitHub gets tokens from there; without one of these, a stranger's workflow could name the rest.
const ownedOnGithub = ['repository', 'repository_id', 'repository_owner', 'repository_owner_id', 'sub'];

const jwtClaims = z
  .strictObject({
    issuer: matching('the issuer, an http or https address', /^https?:\/\/[^\s|]+$/).describe(
      "The token's `iss`, to the letter.",
    ),
    claims: z
      .record(
        matching('the name of a claim', /^[A-Za-z][A-Za-z0-9_:/.-]{0,199}$/),
        z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }).max(500),
      )
      .refine((claims) => Object.keys(claims).length > 0, { error: 'must name at least one claim' })
      .describe('Claims, and what each of them must be, to the letter.'),
  })
  .refine(({ issuer, claims }) => issuer !== github || ownedOnGithub.some((claim) => claim in claims), {
    error: `must name one of ${ownedOnGithub.join(', ')}: anybody can get tokens of this issuer`,
    path: ['claims'],
  });

/** What proves that a caller is a service: one entry of its `credentials` in services.yaml. */
export const credential = z.union(
  [
    z.strictObject({
      jwt_subject: matching('"ISSUER|SUBJECT"', /^https?:\/\/[^\s|]+\|[\x21-\x7e]+$/).describe(
        'The issuer and the subject of its tokens: `ISSUER|SUBJECT`.',
      ),
    }),
    z.strictObject({
      jwt_claims: jwtClaims.describe(
        'Its tokens by their issuer and claims, where the subject does not tell it.',
      ),
    }),
    z.strictObject({
      spiffe_id: matching(
        'a SPIFFE id like "spiffe://example.com/invoicer"',
        /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+$/,
      ).describe('The SPIFFE id in its client certificate.'),
    }),
    z.strictObject({
      certificate_uri: matching(
        'a URI like "urn:example:invoicer" (a SPIFFE id is a "spiffe_id")',
        /^(?!spiffe:)[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,500}$/,
      ).describe('A URI among the alternative names of its client certificate.'),
    }),
    z.strictObject({
      certificate_dns: matching(
        'a host name like "invoicer.internal"',
        /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
      ).describe('A host name among the alternative names of its client certificate.'),
    }),
    z.strictObject({
      certificate_subject: matching(
        'a subject like "C=DE, O=Example, CN=invoicer"',
        /^[A-Za-z0-9.]{1,40}=[^\p{Cc}]{1,900}$/u,
      ).describe('The subject of its client certificate, in full.'),
    }),
    z.strictObject({
      api_key_sha256: matching('64 lower-case hexadecimal digits', /^[0-9a-f]{64}$/).describe(
        'SHA-256 of the secret part of its API key, in hex; `grantgate key new` prints it.',
      ),
    }),
  ],
  {
    error:
      'must be one of { jwt_subject }, { jwt_claims }, { spiffe_id }, { certificate_uri }, { certificate_dns }, ' +
      '{ certificate_subject } or { api_key_sha256 }',
  },
);

export type Credential = z.output<typeof credential>;
export type JwtClaims = z.output<typeof jwtClaims>;

/** A credential's kind and its one spelling. */
export function credentialName(held: Credential): { kind: string; value: string } {
  const [kind = '', value] = Object.entries(held)[0] ?? [];
  return { kind, value: typeof value === 'string' ? value : canonicalJson(value) };
}

/** Whether one token could satisfy both: nothing that both ask for differs. */
export function bothFit(one: JwtClaims, other: JwtClaims): boolean {
  if (one.issuer !== other.issuer) return false;
  return Object.entries(one.claims).every(([claim, value]) => (other.claims[claim] ?? value) === value);
}

type Held = { name: string; credentials: readonly Credential[] };

/** What data.json says of credentials: by kind, each with the service it proves. Kinds that came later are left out while nobody has one. */
export function compileCredentials(services: Iterable<Held>): Record<string, unknown> {
  const kinds: Record<string, Record<string, string>> = { api_keys: {}, jwt_subjects: {}, spiffe_ids: {} };
  const claims: (JwtClaims & { service: string })[] = [];
  const add = (kind: string, value: string, service: string) => {
    kinds[kind] ??= {};
    kinds[kind][value] = service;
  };
  for (const { name, credentials } of services) {
    const service = fold(`service:${name}`);
    for (const held of credentials) {
      if ('api_key_sha256' in held) add('api_keys', held.api_key_sha256, service);
      else if ('jwt_subject' in held) add('jwt_subjects', held.jwt_subject, service);
      else if ('spiffe_id' in held) add('spiffe_ids', held.spiffe_id, service);
      else if ('certificate_uri' in held) add('certificate_uris', held.certificate_uri, service);
      else if ('certificate_dns' in held) add('certificate_dns', held.certificate_dns, service);
      else if ('certificate_subject' in held) add('certificate_subjects', held.certificate_subject, service);
      else claims.push({ ...held.jwt_claims, service });
    }
  }
  if (claims.length === 0) return kinds;
  const sorted = claims.sort((a, b) => compareCodePoints(canonicalJson(a), canonicalJson(b)));
  return { ...kinds, jwt_claims: sorted };
}

export const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new API key: shown once, and kept by nobody but its service. */
export type NewKey = {
  /** `service:NAME`. */
  service: string;
  /** `gg_ID_SECRET`. */
  key: string;
  /** What stands for it in services.yaml: SHA-256 of the secret part, hex. */
  api_key_sha256: string;
  /** The entry for the service's `credentials` in services.yaml. */
  yaml: string;
  /** All of it in words. */
  text: string;
};

/** Makes an API key with 256 random bits. `random` gives that many bytes. Throws BundleError `service-invalid`. */
export function newKey(service: string, random: (bytes: number) => Uint8Array = randomBytes): NewKey {
  const name = service.replace(/^service:/, '');
  if (!serviceName.safeParse(name).success)
    throw new BundleError('service-invalid', 'the service must be a name like "invoicer"');
  // The part before the secret tells keys apart where they are kept and leaked; it protects nothing.
  const id = Array.from(random(10), (byte) => letters[byte % letters.length]).join('');
  const secret = Buffer.from(random(32)).toString('base64url');
  const sha256 = createHash('sha256').update(secret).digest('hex');
  const made = {
    service: `service:${name}`,
    key: `gg_${id}_${secret}`,
    api_key_sha256: sha256,
    yaml: `- api_key_sha256: "${sha256}" # gg_${id}`,
  };
  const text = [
    `The key of ${made.service}, shown this once:`,
    `  ${made.key}`,
    'To let it in, under its "credentials" in grants/directory/services.yaml:',
    `      ${made.yaml}`,
  ].join('\n\n');
  return { ...made, text };
}
