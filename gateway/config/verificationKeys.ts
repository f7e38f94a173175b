import { z } from 'zod';
import { keyIdForm } from '../../bundle/archive/keys.ts';
import { named } from './values.ts';

/** Where the public keys of signed bundles are: one file, or several by the ids that signatures name them by. */
export const verificationKeys = {
  key: named
    .optional()
    .describe('The public key of whoever signs bundles, PEM; needed for every source but Git.'),
  keys: z
    .record(
      z.string().regex(keyIdForm, { error: 'must be an id like "2026-11"' }),
      z.string().min(1, { error: 'must be the path of a public key' }),
    )
    .refine((value) => Object.keys(value).length > 0, { error: 'must name one key at least' })
    .optional()
    .describe('Several public keys, by the ids that signatures name them by; in place of `key`.'),
};

export type Keys = { source: string; key?: string | undefined; keys?: Record<string, string> | undefined };

/** Which key is wrong in a section with a bundle source, and how; null when none is. Git needs none, and uses none. */
export function keysProblem({ source, key, keys }: Keys): { path: 'key' | 'keys'; message: string } | null {
  if (source.startsWith('git+')) return null;
  if (key === undefined && keys === undefined)
    return { path: 'key', message: 'is needed (or "keys"): a bundle from anywhere but Git must be signed' };
  if (key !== undefined && keys !== undefined)
    return { path: 'keys', message: 'must not stand beside "key": one key, or several by their ids' };
  return null;
}
