import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isCode } from '../../bundle/format/isCode.ts';
import { formatProblem, sortProblems } from '../../bundle/yaml/problem.ts';
import { readChecked } from '../../bundle/yaml/readFile.ts';
import { bundlePaths } from './bundleConfig.ts';
import { type GatewayConfig, gatewayConfig } from './gatewayConfig.ts';
import type { Secret } from './values.ts';

export type { GatewayConfig, IntrospectionConfig, IssuerConfig } from './gatewayConfig.ts';

/** What is wrong with a configuration, all at once; one line per problem. Code `config-invalid`. */
export class ConfigError extends Error {
  readonly code = 'config-invalid';
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

/**
 * Reads gateway.yaml as grants are read. Relative paths in it are taken from its folder. Throws ConfigError naming every
 * unknown key (with the nearest known one), every wrong value and every insecure combination, each at its place.
 */
export function readConfig(path: string): GatewayConfig {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ConfigError([`${path} cannot be read: ${reasonOf(error)}`]);
  }
  return configOf(bytes, path);
}

/** Checks a configuration value; `path` names it in errors and anchors its relative paths. */
export const parseConfig = (value: unknown, path: string): GatewayConfig =>
  configOf(Buffer.from(JSON.stringify(value ?? {}, null, 2)), path);

function configOf(bytes: Buffer, path: string): GatewayConfig {
  // What is wrong may be a secret that should not stand there: values are not shown.
  const { value, problems } = readChecked(gatewayConfig, bytes, path, { empty: {}, hideValues: true });
  if (value === undefined) throw new ConfigError(sortProblems(problems).map(formatProblem));
  const at = (name: string) => resolve(dirname(path), name);
  const config = secretsAt(value, at) as GatewayConfig;
  return {
    ...config,
    listen: { ...config.listen, ...tlsPaths(config.listen.tls, at) },
    state: at(config.state),
    bundle: bundlePaths(config.bundle, at),
    assertion: {
      ...config.assertion,
      ...(config.assertion.key === undefined ? {} : { key: at(config.assertion.key) }),
    },
    log: {
      ...config.log,
      ...(config.log.access_file === undefined ? {} : { access_file: at(config.log.access_file) }),
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

/** What the system says about a file, without the path that we name anyway. */
const reasonOf = (error: unknown): string =>
  isCode(error, 'ENOENT') ? 'there is no such file' : error instanceof Error ? error.message : String(error);
