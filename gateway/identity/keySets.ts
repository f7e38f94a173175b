import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { IssuerConfig } from '../config/config.ts';
import { createKeySet, type KeySet } from './keySet.ts';

/** The keys that have verified a token, by `alg` and `kid` of its header, of one generation. */
export type Proven = { generation: number | null; keys: Map<string, KeyObject> };

/** An issuer, and what is known of its keys. */
export type Issuer = { config: IssuerConfig; keys: KeySet; proven: Proven };

/** Gives each configured issuer its keys. */
export type KeySets = (config: IssuerConfig) => Issuer;

type Options = {
  now: () => number;
  /** The keys of an issuer came, or why not. */
  onKeyFetch?: ((issuer: string, failure: unknown) => void) | undefined;
};

/**
 * An issuer that is configured as it was before keeps what is known of its keys: when a configuration is taken over, it
 * may not answer at the moment. `now` in ms.
 */
export function createKeySets({ now, onKeyFetch }: Options): KeySets {
  const known = new Map<string, Issuer>();
  return (config) => {
    const before = known.get(config.issuer);
    if (before !== undefined && isDeepStrictEqual(before.config, config)) return before;
    const keys = createKeySet({
      issuer: config.issuer,
      ...(config.jwks_uri === undefined ? {} : { jwksUri: config.jwks_uri }),
      ...config.keys,
      now,
      onFetch: (failure) => onKeyFetch?.(config.issuer, failure),
    });
    const issuer = { config, keys, proven: { generation: null, keys: new Map<string, KeyObject>() } };
    known.set(config.issuer, issuer);
    return issuer;
  };
}
