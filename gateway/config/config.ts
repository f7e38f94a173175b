import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { load as parse } from 'js-yaml';
import leven from 'leven';
import { z } from 'zod';
import { claimMapping, introspectionConfig, tlsConfig } from './authenticationConfig.ts';
import { bundleConfig, bundlePaths } from './bundleConfig.ts';
import { limitsConfig } from './limitsConfig.ts';
import { secureUrl } from './sourceConfig.ts';

const port = z.int().min(0).max(65_535);
const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|::1)$/;

/** A secret never stands in the file itself: it comes from the environment or from a file of its own. */
const secret = z.union(
  [z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })],
  {
    error: 'must be { env: NAME } or { file: PATH }',
  },
);

const seconds = z
  .string()
  .regex(/^[1-9][0-9]{0,5}(?:ms|s|min|h)$/, { error: 'must be a time like "30s"' })
  .transform((value) => {
    const unit = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 }[/[a-z]+$/.exec(value)?.[0] ?? 's'] ?? 1000;
    return Number.parseInt(value, 10) * unit;
  });

const algorithm = z.enum(
  ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  {
    error: 'must be an asymmetric algorithm such as RS256, PS256, ES256 or EdDSA',
  },
);

const issuer = z.strictObject({
  issuer: secureUrl,
  audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  algorithms: z.array(algorithm).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  jwks_uri: secureUrl.optional(),
  ...claimMapping,
});

const cidr = z
  .union([z.cidrv4(), z.cidrv6()], { error: 'must be a CIDR block like 10.0.0.0/24' })
  .refine((value) => ipaddr.parseCIDR(value)[1] > 0, { error: 'must not be the whole internet' });

const address = (host: string, number: number) =>
  z.strictObject({ host: z.string().min(1).default(host), port: port.default(number) });
const listen = (host: string, number: number) => address(host, number).prefault({});

const service = z
  .string()
  .regex(/^service:[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, { error: 'must be a service like "service:shop"' });

/** The signed word to upstreams on who calls. An upstream that knows only the old keys must not meet the new one. */
const assertion = z
  .strictObject({
    per: z.enum(['caller', 'request', 'none']).default('caller'),
    issuer: z.string().min(1).max(200).default('grantgate'),
    lifetime: seconds
      .default(60_000)
      .refine((ms) => ms >= 5000 && ms <= 60_000, { error: 'must be from 5s to 60s' }),
    algorithm: z.enum(['EdDSA', 'ES256']).default('EdDSA'),
    key: z.string().min(1).optional(),
    rotate: seconds.default(2_592_000_000),
    overlap: seconds.default(300_000).refine((ms) => ms >= 60_000, { error: 'must be at least 60s' }),
  })
  .refine(({ rotate, overlap }) => rotate >= 2 * overlap, {
    error: 'must have a "rotate" of two "overlap" at least',
  })
  .prefault({});

/** The listener for proxies and applications that ask for a decision and enforce it themselves. */
const decisionPoint = z
  .strictObject({
    listen: listen('127.0.0.1', 8081),
    forward_auth: z.strictObject({ trusted_proxies: z.array(cidr).min(1) }).optional(),
    authzen: z
      .strictObject({
        callers: z.array(service).min(1),
        url: secureUrl
          .refine((value) => !/[?#]|\/$/.test(value), { error: 'must have no query and no slash at its end' })
          .optional(),
      })
      .optional(),
  })
  .refine(({ forward_auth, authzen }) => forward_auth !== undefined || authzen !== undefined, {
    error: 'must have "forward_auth" or "authzen", else nobody could ask',
  });

/** gateway.yaml. Times become milliseconds. */
export const gatewayConfig = z
  .strictObject({
    listen: address('127.0.0.1', 8080).extend({ tls: tlsConfig.optional() }).prefault({}),
    admin: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: port.default(9090),
        token: secret.optional(),
      })
      .prefault({}),
    state: z.string().min(1).default('.grantgate/state'),
    bundle: bundleConfig(seconds, secret),
    decision_point: decisionPoint.optional(),
    assertion,
    webhook: z.strictObject({ secret }).optional(),
    issuers: z.array(issuer).default([]),
    introspection: introspectionConfig(secureUrl, secret, seconds).optional(),
    decisions: z
      .strictObject({
        folder: z.string().min(1).default('.grantgate/decisions'),
        usage: z.string().min(1).default('.grantgate/usage'),
        instance: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'must be a name like "gw-1"' })
          .default('gw-1'),
      })
      .prefault({}),
    limits: limitsConfig(seconds, secret),
    trusted_proxies: z.array(cidr).default([]),
    workers: z.int().min(1).max(64).default(1),
    log: z
      .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (!loopback.test(config.admin.host) && config.admin.token === undefined) {
      refuse(['admin', 'token'], 'is needed when the admin listener is not on loopback');
    }
    const seen = new Set<string>();
    for (const [index, { issuer: name }] of config.issuers.entries()) {
      if (seen.has(name)) refuse(['issuers', String(index), 'issuer'], 'must not stand twice');
      seen.add(name);
    }
  });

export type GatewayConfig = z.output<typeof gatewayConfig>;
export type IssuerConfig = GatewayConfig['issuers'][number];
export type IntrospectionConfig = NonNullable<GatewayConfig['introspection']>;
export type Secret = z.output<typeof secret>;

/** What is wrong with a configuration, all at once; one line per problem. Code `config-invalid`. */
export class ConfigError extends Error {
  readonly code = 'config-invalid';
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

/**
 * Reads gateway.yaml. Relative paths in it are taken from its folder. Throws ConfigError naming every unknown key
 * (with the nearest known one), every wrong value and every insecure combination.
 */
export function readConfig(path: string): GatewayConfig {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'), { filename: path });
  } catch (error) {
    throw new ConfigError([`${path}: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return parseConfig(value, path);
}

/** Checks a configuration value; `path` names it in errors and anchors its relative paths. */
export function parseConfig(value: unknown, path: string): GatewayConfig {
  const result = gatewayConfig.safeParse(value ?? {});
  if (!result.success) throw new ConfigError(result.error.issues.flatMap((issue) => describe(issue, path)));
  const at = (name: string) => resolve(dirname(path), name);
  const config = secretsAt(result.data, at) as GatewayConfig;
  return {
    ...config,
    listen: { ...config.listen, ...tlsPaths(config.listen.tls, at) },
    state: at(config.state),
    bundle: bundlePaths(config.bundle, at),
    assertion: {
      ...config.assertion,
      ...(config.assertion.key === undefined ? {} : { key: at(config.assertion.key) }),
    },
    decisions: {
      ...config.decisions,
      folder: at(config.decisions.folder),
      usage: at(config.decisions.usage),
    },
  };
}

function tlsPaths(tls: GatewayConfig['listen']['tls'], at: (name: string) => string) {
  if (tls === undefined) return {};
  const { cert, key, client_ca } = tls;
  return {
    tls: { cert: at(cert), key: at(key), ...(client_ca === undefined ? {} : { client_ca: at(client_ca) }) },
  };
}

/** The same value with the files of its secrets, wherever those stand, as absolute paths. */
function secretsAt(value: unknown, at: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => secretsAt(item, at));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'file' && typeof only[1] === 'string')
    return { file: at(only[1]) };
  return Object.fromEntries(entries.map(([key, item]) => [key, secretsAt(item, at)]));
}

/** The secret's text. Throws ConfigError when the variable or file is missing or empty. */
export function readSecret(from: Secret, env: NodeJS.ProcessEnv): string {
  let text: string | undefined;
  if ('env' in from) text = env[from.env];
  else {
    try {
      text = readFileSync(from.file, 'utf8');
    } catch {
      text = undefined;
    }
  }
  const value = text?.trim() ?? '';
  if (value === '') {
    throw new ConfigError([
      'env' in from
        ? `the environment variable ${from.env} is not set`
        : `${from.file} cannot be read or is empty`,
    ]);
  }
  return value;
}

function describe(issue: z.core.$ZodIssue, path: string): string[] {
  const place = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys')
    return [`${path}: ${place === '' ? '' : `"${place}" `}${issue.message}`];
  const known = keysAt(issue.path.map(String));
  return issue.keys.map((key) => {
    const nearest = known.map((name) => [leven(name, key), name] as const).sort(([a], [b]) => a - b)[0];
    const hint =
      nearest !== undefined && nearest[0] <= 3
        ? `; did you mean "${nearest[1]}"?`
        : `; known here: ${known.join(', ')}`;
    return `${path}: unknown key "${place === '' ? '' : `${place}.`}${key}"${hint}`;
  });
}

/** The keys the JSON Schema of the configuration knows at a path. */
function keysAt(path: readonly string[]): string[] {
  type Node = { properties?: Record<string, Node>; items?: Node; anyOf?: Node[] };
  let node = z.toJSONSchema(gatewayConfig, { io: 'input' }) as Node | undefined;
  for (const key of path) {
    node = /^\d+$/.test(key) ? node?.items : node?.properties?.[key];
  }
  return Object.keys(node?.properties ?? {});
}
