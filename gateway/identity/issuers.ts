import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { IssuerConfig } from '../config/config.ts';
import { createKeySet, type KeySet } from './keySet.ts';

/** The keys that have verified a token, by `alg` and `kid` of its header, of one generation. */
export type Proven = { generation: number | null; keys: Map<string, KeyObject> };

/** An issuer, and what is known of its keys. */
export type Issuer = { config: IssuerConfig; keys: KeySet; proven: Proven };

/** The issuers of one configuration, by their names in tokens. */
export type Issuers = ReadonlyMap<string, Issuer>;

type Options = {
  now: () => number;
  /** The keys of an issuer came, or why not. */
  onKeyFetch?: ((issuer: string, failure: unknown) => void) | undefined;
};

/**
 * Gives each configured issuer its keys. One that is configured as it was `before` keeps what is known of them: when a
 * configuration is taken over, it may not answer at the moment. What was before stays as it is, for the new one may yet
 * be refused.
 */
export function openIssuers(
  configs: readonly IssuerConfig[],
  { now, onKeyFetch }: Options,
  before: Issuers = new Map(),
): Issuers {
  const open = (config: IssuerConfig): Issuer => {
    const known = before.get(config.issuer);
    if (known !== undefined && isDeepStrictEqual(known.config, config)) return known;
    const keys = createKeySet({
      issuer: config.issuer,
      ...(config.jwks_uri === undefined ? {} : { jwksUri: config.jwks_uri }),
      ...config.keys,
      now,
      onFetch: (failure) => onKeyFetch?.(config.issuer, failure),
    });
    return { config, keys, proven: { generation: null, keys: new Map() } };
  };
  return new Map(configs.map((config) => [config.issuer, open(config)]));
}
