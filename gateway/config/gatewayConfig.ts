import { z } from 'zod';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { claimMapping, introspectionConfig, tlsConfig } from './authenticationConfig.ts';
import { bundleConfig } from './bundleConfig.ts';
import { limitsConfig } from './limitsConfig.ts';
import { cidrs, hostName, named, port, secret, secureUrl, time, wait } from './values.ts';

const algorithm = z.enum(
  ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  {
    error: 'must be an asymmetric algorithm such as RS256, PS256, ES256 or EdDSA',
  },
);

const issuer = z.strictObject({
  issuer: secureUrl.describe('Compared with the `iss` of a token, to the letter.'),
  audience: z
    .union([named, z.array(named).min(1)])
    .describe('One of these must be in the token for it to be meant for us.'),
  algorithms: z
    .array(algorithm)
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('How tokens may be signed; symmetric ones and none cannot be chosen.'),
  jwks_uri: secureUrl.optional().describe('Where its keys are; left out, its discovery document says.'),
  keys: z
    .strictObject({
      max_age: wait
        .prefault('10min')
        .refine((ms) => ms >= 1000, { error: 'must be 1s at least' })
        .describe('How old its keys may be before they are fetched anew.'),
      stale: wait.prefault('1h').describe('How much longer they count while they cannot be fetched.'),
      cooldown: wait
        .prefault('30s')
        .refine((ms) => ms >= 1000, { error: 'must be 1s at least' })
        .describe(
          'How soon tokens by a key that is not known, or by another one of its name, make us fetch again.',
        ),
    })
    .prefault({})
    .describe('How long its keys count.'),
  id_tokens: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe('Whether ID tokens, which tell an application who signed in, are taken as access tokens.'),
  ...claimMapping,
});

const address = (host: string, number: number) =>
  z.strictObject({
    host: named.default(host).describe('The address to listen on.'),
    port: port.default(number).describe('The port; 0 takes a free one.'),
  });
const listen = (host: string, number: number) => address(host, number).prefault({});

const service = z
  .string()
  .regex(/^service:[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, { error: 'must be a service like "service:shop"' });

/** The signed word to upstreams on who calls. An upstream that knows only the old keys must not meet the new one. */
const assertion = z
  .strictObject({
    per: z
      .enum(['caller', 'request', 'none'])
      .default('caller')
      .describe(
        'caller: one serves a caller for most of its lifetime; request: one for each; none: no assertions.',
      ),
    issuer: named.max(200).default('grantgate').describe('The `iss` in it.'),
    lifetime: time
      .refine((ms) => ms >= 5000 && ms <= 60_000, { error: 'must be from 5s to 60s' })
      .prefault('60s')
      .describe('How long one is valid.'),
    algorithm: z.enum(['EdDSA', 'ES256']).default('EdDSA').describe('How it is signed.'),
    key: named
      .optional()
      .describe(
        'A PEM file of private keys that gateways share: the first signs, all are published. Left out, each makes its own.',
      ),
    rotate: time.prefault('30d').describe('When the next key is made.'),
    overlap: time
      .refine((ms) => ms >= 60_000, { error: 'must be at least 60s' })
      .prefault('5min')
      .describe('How long a key is published before it signs, and after.'),
  })
  .refine(({ rotate, overlap }) => rotate >= 2 * overlap, {
    error: 'must have a "rotate" of two "overlap" at least',
  })
  .prefault({});

/** The listener for proxies and applications that ask for a decision and enforce it themselves. */
const decisionPoint = z
  .strictObject({
    listen: listen('127.0.0.1', 8081).describe('Where they ask.'),
    forward_auth: z
      .strictObject({
        trusted_proxies: cidrs
          .min(1)
          .describe('The proxies that may ask, as CIDR blocks; they are believed.'),
      })
      .optional()
      .describe('/authorize, for proxies that enforce.'),
    authzen: z
      .strictObject({
        callers: z.array(service).min(1).describe('The services that may ask, for whomever they name.'),
        search: z
          .array(service)
          .default([])
          .describe('The services that may search who may do what, where; nobody, unless they are named.'),
        url: secureUrl
          .refine((value) => !/[?#]|\/$/.test(value), { error: 'must have no query and no slash at its end' })
          .optional()
          .describe('The address that the well-known document tells; left out, that of the listener.'),
      })
      .optional()
      .describe('Evaluations as OpenID AuthZEN has them.'),
  })
  .refine(({ forward_auth, authzen }) => forward_auth !== undefined || authzen !== undefined, {
    error: 'must have "forward_auth" or "authzen", else nobody could ask',
  });

const instanceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'must be a name like "gw-1"' });

/** Where many gateways share one file, each finds its own name where it runs: a pod, in its environment. */
const instance = z
  .union([instanceName, z.strictObject({ env: named.describe('The environment variable that holds it.') })], {
    error: 'must be a name like "gw-1", or { env: NAME }',
  })
  .transform((given, context) => {
    if (typeof given === 'string') return given;
    const found = instanceName.safeParse(process.env[given.env]);
    if (found.success) return found.data;
    context.addIssue({
      code: 'custom',
      message: `needs a name like "gw-1" in the environment variable ${given.env}`,
    });
    return z.NEVER;
  });

/** gateway.yaml. Times become milliseconds. */
export const gatewayConfig = z
  .strictObject({
    listen: address('127.0.0.1', 8080)
      .extend({
        tls: tlsConfig.optional().describe('TLS for callers; left out, they speak plain HTTP to us.'),
      })
      .prefault({})
      .describe('Where callers come in.'),
    admin: z
      .strictObject({
        host: named.default('127.0.0.1').describe('The address to listen on.'),
        port: port.default(9090).describe('The port; 0 takes a free one.'),
        token: secret.optional().describe('What operators must present; needed off loopback.'),
      })
      .prefault({})
      .describe('Where operators come in: health, metrics, revision, reload, webhook.'),
    state: named
      .default('.grantgate/state')
      .describe('The folder of what is kept over restarts, for this gateway alone.'),
    bundle: bundleConfig.describe('Where access comes from.'),
    decision_point: decisionPoint
      .optional()
      .describe('The listener for those who ask for a decision and enforce it themselves.'),
    assertion: assertion.describe('The signed word to APIs on who calls.'),
    webhook: z
      .strictObject({ secret: secret.describe('What its deliveries are signed with.') })
      .optional()
      .describe('Pushes to the branch, as the forge announces them.'),
    issuers: z.array(issuer).default([]).describe('Who issues the tokens that callers bring.'),
    introspection: introspectionConfig.optional().describe('Whom to ask about opaque tokens.'),
    decisions: z
      .strictObject({
        folder: named.default('.grantgate/decisions').describe('The folder of the records.'),
        usage: named
          .default('.grantgate/usage')
          .describe('The folder of counts per grant, operation and day.'),
        instance: instance
          .prefault('gw-1')
          .describe(
            'The name of this gateway in records; no two may share it. `{ env: NAME }` takes it from the environment.',
          ),
      })
      .prefault({})
      .describe('One line per decision, written before anything is forwarded.'),
    limits: limitsConfig.describe('How much, how long, how large.'),
    hosts: z
      .array(hostName)
      .optional()
      .describe(
        'The names by which callers know this gateway, beside those that APIs are routed by; others get 421. Left out, any: what a caller writes into Host is passed on in X-Forwarded-Host.',
      ),
    trusted_proxies: cidrs
      .default([])
      .describe(
        'Proxies in front of this gateway, as CIDR blocks; only what they say in X-Forwarded-For, and in headers that an API takes for facts from them, is believed.',
      ),
    forwarded: z
      .enum(['x-forwarded', 'forwarded', 'both', 'off'])
      .default('x-forwarded')
      .describe(
        'How APIs are told where a request came in: X-Forwarded-For, -Host, -Proto, -Port and -Prefix, or Forwarded (RFC 7239). What callers send of them never passes.',
      ),
    workers: z.int().min(1).max(64).default(1).describe('Processes that share the port.'),
    log: z
      .strictObject({
        level: z
          .enum(['debug', 'info', 'warn', 'error', 'silent'])
          .default('info')
          .describe('What is logged at least.'),
        format: z
          .enum(['auto', 'text', 'json'])
          .default('auto')
          .describe('text for people, json for programs; auto: text on a terminal, else JSON.'),
        access: z
          .enum(['off', 'combined', 'json'])
          .default('off')
          .describe(
            'A line for each request of a caller: as Apache and nginx write it, or in JSON; without queries and credentials.',
          ),
        access_file: named
          .optional()
          .describe('Where it goes, opened anew on SIGUSR1 and SIGHUP; left out, standard output.'),
      })
      .prefault({})
      .describe('The log of the gateway itself.'),
  })
  .superRefine((config, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    if (!isLoopback(config.admin.host) && config.admin.token === undefined) {
      refuse(['admin', 'token'], 'is needed when the admin listener is not on loopback');
    }
    const seen = new Set<string>();
    for (const [index, { issuer: name }] of config.issuers.entries()) {
      if (seen.has(name)) refuse(['issuers', index, 'issuer'], 'must not stand twice');
      seen.add(name);
    }
  });

export type GatewayConfig = z.output<typeof gatewayConfig>;
export type IssuerConfig = GatewayConfig['issuers'][number];
export type IntrospectionConfig = NonNullable<GatewayConfig['introspection']>;
