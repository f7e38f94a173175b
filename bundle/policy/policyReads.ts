import { z } from 'zod';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { sha256 } from '../format/digest.ts';

/** The fields of an API's entry in data.json. */
export const apiFields = [
  'assertion',
  'authentication',
  'body',
  'cors',
  'description',
  'encoded_slash',
  'facts',
  'host_header',
  'operations',
  'owner',
  'public',
  'rate',
  'roles',
  'route',
  'tier',
  'upstream',
] as const;

/** What an examined policy reads besides grants and principals, as the manifest says it. */
export const policyReads = z.strictObject({
  /** Fields of the API's own entry. */
  api: z.array(z.enum(apiFields)),
  /** Whether its answers may change at other moments than the ends of the caller's grants. */
  clock: z.boolean(),
  /** Facts by their names, sorted; left out where it reads none. */
  facts: z.array(z.string()).min(1).optional(),
  networks: z.boolean(),
  /** Of the Rego that was examined ({@link sourcesDigest}), and of the same as `opa build` writes it into a bundle. */
  sources: z.array(z.string().regex(/^[0-9a-f]{64}$/)).length(2),
  /** SHA-256 of what it was compiled to. */
  wasm: z.string().regex(/^[0-9a-f]{64}$/),
});

export type PolicyReads = z.output<typeof policyReads>;

/** Tells Rego files apart by what they hold, wherever they stand. */
export const sourcesDigest = (policies: ReadonlyMap<string, Buffer>): string =>
  sha256(
    [...policies.values()]
      .map((source) => sha256(source))
      .sort(compareCodePoints)
      .join('\n'),
  );
