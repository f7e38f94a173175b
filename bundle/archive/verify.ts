import { BundleError } from '../bundleError.ts';
import { sha256 } from '../format/digest.ts';
import { checkWasm } from '../policy/checkWasm.ts';
import { sourcesDigest } from '../policy/examine/policyReads.ts';
import { decisionPath } from '../policy/policies.ts';
import type { Bundle } from './bundle.ts';
import { checkFiles } from './checkSignature.ts';
import type { VerifyKeys } from './keys.ts';
import { readManifest } from './manifest.ts';
import { policyPath, unpackBundle, type VerifyLimits } from './unpackBundle.ts';

export { readVerifyKey, readVerifyKeys, type VerifyKey } from './keys.ts';

const MiB = 1024 * 1024;
const usual = limitsOf(1e9);

/** A ceiling on what an archive unpacks to, and what may come over the wire for it. */
export function limitsOf(maxBytes: number): VerifyLimits {
  return { packed: Math.min(maxBytes, Math.max(256 * MiB, Math.ceil(maxBytes / 4))), unpacked: maxBytes };
}

/**
 * Takes an archive apart and trusts nothing in it: sizes, the exact set of files, the signature by one of `keys`, every
 * digest, the manifest, the line form of data.json and the compiled policy. With `keys` null an unsigned (or signed,
 * unchecked) archive is accepted: for inspection only. Throws BundleError with a stable code.
 */
export async function verify(
  archive: Buffer,
  keys: VerifyKeys | null,
  limits: VerifyLimits = usual,
): Promise<Bundle> {
  if (archive.length > limits.packed)
    throw new BundleError('archive-too-large', `the archive is larger than ${limits.packed} bytes`);
  const { files, signed, digest, lines: lookThrough } = await unpackBundle(archive, keys, limits);
  const file = (path: string): Buffer => {
    const content = files.get(path);
    if (content === undefined) throw new BundleError('archive-files', `the archive lacks ${path}`);
    return content;
  };
  const { sizes: _, documents, ...manifest } = readManifest(file('.manifest'));
  const data = file('data.json');
  const wasm = file('policy.wasm');
  if (keys !== null) {
    if (signed === null) throw new BundleError('signature-missing', 'the archive is not signed');
    checkFiles(signed, files, digest);
  }
  if (`sha256:${digest}` !== manifest.digest)
    throw new BundleError('digest-mismatch', 'data.json is not the one its manifest names');
  const lines = lookThrough();
  if (lines.grants !== manifest.grants)
    throw new BundleError(
      'manifest-invalid',
      `.manifest counts ${manifest.grants} grants, data.json holds ${lines.grants}`,
    );
  if (documents !== lines.documents.length > 0)
    throw new BundleError(
      'manifest-invalid',
      '.manifest and data.json differ in whether there are data documents',
    );
  checkWasm(wasm, decisionPath);
  const policies = new Map([...files].filter(([path]) => policyPath.test(path)));
  const { reads } = manifest;
  if (reads === null)
    throw new BundleError(
      'policy-unexamined',
      '.manifest does not tell what the policy reads: build the bundle again with this version',
    );
  const sources = sourcesDigest(policies);
  // Where opa has compiled the policy anew, its signature vouches for that; our own module is told by its bytes.
  if (!reads.sources.includes(sources) || (sources === reads.sources[0] && reads.wasm !== sha256(wasm)))
    throw new BundleError(
      'policy-unexamined',
      'the policy is not the one that was examined when the bundle was built: build it again from its commit',
    );
  return { ...manifest, data, lines, wasm, reads, policies };
}
