import { z } from 'zod';
import { compareCodePoints } from '../../format/canonicalJson.ts';
import { sha256 } from '../../format/digest.ts';

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

/**
 * Where a key of a data document comes from: `["caller"]` (the subject and its groups), `["text", KEY]` (it stands in the
 * policy), or `["input", FIELD, …]`, where `*` stands for all that is there.
 */
const keySource = z
  .array(z.string())
  .refine(
    ([kind, ...path]) =>
      (kind === 'caller' && path.length === 0) ||
      (kind === 'text' && path.length === 1) ||
      (kind === 'input' && path.length > 0),
  );
export type KeySource = z.output<typeof keySource>;

/** How a policy reads one data document: the entries that these keys lead to, or all of it. */
const documentReads = z.strictObject({ keys: z.array(keySource), name: z.string(), whole: z.boolean() });
export type DocumentReads = z.output<typeof documentReads>;

/** What an examined policy reads besides grants and principals, as the manifest says it. */
export const policyReads = z.strictObject({
  /** Fields of the API's own entry. */
  api: z.array(z.enum(apiFields)),
  /** Whether its answers may change at other moments than the ends of the caller's grants. */
  clock: z.boolean(),
  /** Data documents, sorted by name; left out where it reads none. */
  documents: z.array(documentReads).min(1).optional(),
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

/**
 * The keys that one source comes to for an input and its caller, the groups being all that it is in, whoever says so. What
 * is no text is none, in JSON as in Rego.
 */
export function keysFrom(
  [kind, ...path]: KeySource,
  input: object,
  { subject, groups }: { readonly subject: string; readonly groups: readonly string[] },
): string[] {
  if (kind === 'text') return path;
  if (kind === 'caller') return [subject, ...groups];
  return at(input, path).filter((value): value is string => typeof value === 'string');
}

/** What stands at a path of JSON; `*` is everything there. */
function at(value: unknown, [first, ...rest]: readonly string[]): unknown[] {
  if (first === undefined) return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (first === '*') return Object.values(value).flatMap((inner) => at(inner, rest));
  return Object.hasOwn(value, first) ? at((value as Record<string, unknown>)[first], rest) : [];
}
