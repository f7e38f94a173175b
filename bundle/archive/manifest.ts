import { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import { canonicalJson } from '../format/canonicalJson.ts';
import { type PolicyReads, policyReads } from '../policy/examine/policyReads.ts';
import { decisionPath } from '../policy/policies.ts';
import type { Bundle } from './bundle.ts';
import { goldens } from './golden.ts';
import { type ReleaseTerms, termsOf } from './release.ts';

/** What a bundle owns of an OPA server's data and policies: exactly what it holds. */
const roots = ['apis', 'credentials', 'grantgate/authz', 'grants', 'networks', 'principals'];
/** Where it holds data documents. */
const rootsWithDocuments = [...roots.slice(0, 2), 'documents', ...roots.slice(2)];
const wasm = [{ entrypoint: decisionPath, module: '/policy.wasm' }];

const manifest = z.strictObject({
  metadata: z.strictObject({
    grantgate: z
      .strictObject({
        bytes: z.record(z.string(), z.int().min(0)).optional(),
        committed_at: z.iso.datetime(),
        counter: z.int().min(1),
        digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
        examined: policyReads.optional(),
        golden: goldens.optional(),
        grants: z.int().min(0),
        rollback: z.strictObject({ from: z.int().min(1), nth: z.int().min(1) }).optional(),
        valid_until: z.iso.datetime().optional(),
      })
      .refine(({ counter, rollback }) => rollback === undefined || rollback.from > counter),
  }),
  rego_version: z.literal(1),
  revision: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/),
  roots: z
    .array(z.string())
    .refine((value) =>
      [roots, rootsWithDocuments].some((known) => canonicalJson(value) === canonicalJson(known)),
    ),
  // Once more, and with the rule's annotations, where opa has compiled the policy anew.
  wasm: z
    .array(
      z.strictObject({
        entrypoint: z.literal(decisionPath),
        module: z.literal('/policy.wasm'),
        annotations: z.unknown().optional(),
      }),
    )
    .min(1),
});

export type Manifest = Pick<Bundle, 'revision' | 'counter' | 'committedAt' | 'grants' | 'digest' | 'golden'> &
  ReleaseTerms & {
    /** What its policy reads; null where nobody examined it. */
    reads: PolicyReads | null;
  };

/** How many bytes each file beside the manifest and its signature has. */
export type Sizes = ReadonlyMap<string, number>;

/** Writes `.manifest`, canonical JSON: what is said of a bundle, and what its archive will hold. */
export function writeManifest(
  manifest: Manifest & { lines: Pick<Bundle['lines'], 'documents'> },
  files: ReadonlyMap<string, Buffer>,
): Buffer {
  const { revision, committedAt, validUntil, counter, digest, golden, grants, reads, rollback } = manifest;
  const metadata = {
    grantgate: {
      bytes: Object.fromEntries([...files].map(([name, content]) => [name, content.length])),
      committed_at: committedAt,
      counter,
      digest,
      examined: reads ?? undefined,
      golden,
      grants,
      rollback,
      valid_until: validUntil,
    },
  };
  const owned = manifest.lines.documents.length > 0 ? rootsWithDocuments : roots;
  return Buffer.from(canonicalJson({ metadata, rego_version: 1, revision, roots: owned, wasm }));
}

/**
 * Reads `.manifest`; `sizes` is null where whoever packed it told none, `documents` says whether it owns any. Throws BundleError `manifest-invalid`, also when
 * it is not written canonically.
 */
export function readManifest(bytes: Buffer): Manifest & { sizes: Sizes | null; documents: boolean } {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new BundleError('manifest-invalid', '.manifest is not JSON', { cause });
  }
  const result = manifest.safeParse(value);
  if (!result.success) {
    throw new BundleError('manifest-invalid', `.manifest: ${faultIn(result.error.issues)}`);
  }
  // One text per manifest: what is signed is what is read, whatever a second parser makes of a key given twice.
  if (canonicalJson(value) !== bytes.toString())
    throw new BundleError('manifest-invalid', '.manifest is not canonical JSON');
  const { metadata, revision } = result.data;
  const { committed_at: committedAt, counter, digest, grants, ...more } = metadata.grantgate;
  const { bytes: given, golden, examined: reads = null, rollback, valid_until: validUntil } = more;
  const sizes = given === undefined ? null : new Map(Object.entries(given));
  const terms = termsOf({ ...(rollback && { rollback }), ...(validUntil && { validUntil }) });
  return {
    revision,
    counter,
    committedAt,
    grants,
    digest,
    reads,
    sizes,
    documents: result.data.roots.includes('documents'),
    ...(golden && { golden }),
    ...terms,
  };
}

/** What a later version adds has a name of its own: who upgraded in the wrong order is told so. */
function faultIn([issue]: readonly z.core.$ZodIssue[]): string {
  const where = issue?.path.map(String).join('.') || 'the document';
  if (issue?.code !== 'unrecognized_keys') return `${where} is not as expected`;
  const named = JSON.stringify(issue.keys[0]?.slice(0, 40));
  return `${where} has ${named}, which this version does not know: upgrade gateways before what builds their bundles`;
}
