import { type Bundle, entrypoint } from './assemble.ts';
import { BundleError } from './bundleError.ts';
import { checkFiles, checkSignature } from './checkSignature.ts';
import { checkWasm } from './checkWasm.ts';
import { createDataDigest } from './digest.ts';
import type { VerifyKeys } from './keys.ts';
import { readManifest } from './manifest.ts';
import { createLineScan, type LineScan } from './scanLines.ts';
import type { SignedFile } from './sign.ts';
import { unpackTarball } from './tarball.ts';

export { readVerifyKey, readVerifyKeys, type VerifyKey } from './keys.ts';

const MiB = 1024 * 1024;

/** Most bytes of an archive as it comes, and unpacked. A million grants take about 30 and 250 MiB. */
export type VerifyLimits = { packed: number; unpacked: number };
const usual: VerifyLimits = { packed: 512 * MiB, unpacked: 2048 * MiB };

const policyPath = /^policies\/authz\/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.rego$/;

/** What each file may take; a path that is no file of a bundle has no answer. */
function mostBytes(path: string, limits: VerifyLimits): number | undefined {
  if (path === 'data.json') return limits.unpacked;
  if (path === 'policy.wasm') return 64 * MiB;
  if (path === '.manifest' || path === '.signatures.json') return MiB;
  return policyPath.test(path) ? 4 * MiB : undefined;
}

/**
 * Takes an archive apart and trusts nothing in it: sizes, the exact set of files, the signature by one of `keys`, every
 * digest, the manifest, the line form of data.json and the compiled policy. With `keys` null an unsigned (or signed,
 * unchecked) archive is accepted: for inspection only. Throws BundleError with a stable code.
 *
 * `.manifest` and `.signatures.json` come first, so nothing of an archive that no key vouches for is unpacked beyond
 * those two.
 */
export async function verify(
  archive: Buffer,
  keys: VerifyKeys | null,
  limits: VerifyLimits = usual,
): Promise<Bundle> {
  if (archive.length > limits.packed)
    throw new BundleError('archive-too-large', `the archive is larger than ${limits.packed} bytes`);
  let signed: readonly SignedFile[] | null = null;
  const hashed = createDataDigest();
  let scan: LineScan | null = null;
  let filled = 0;
  const files = await unpackTarball(
    archive,
    {
      bytes: (path) => {
        const most = mostBytes(path, limits);
        if (keys !== null && signed === null && most !== undefined && !path.startsWith('.'))
          throw new BundleError('signature-missing', 'the archive is not signed');
        return most;
      },
      total: limits.unpacked,
      files: 1000,
      allocate: (path, size) => {
        if (path !== 'data.json') return Buffer.alloc(size);
        // The serving thread reads it where it is unpacked.
        const data = Buffer.from(new SharedArrayBuffer(size));
        scan = createLineScan(data);
        return data;
      },
      // Hashed and looked through while the next piece is being unpacked.
      piece: (path, piece) => {
        if (path !== 'data.json') return;
        hashed.update(piece);
        filled += piece.length;
        scan?.advance(filled);
      },
    },
    (path, content) => {
      if (keys !== null && path === '.signatures.json') signed = checkSignature(content, keys);
    },
  );
  const file = (path: string): Buffer => {
    const content = files.get(path);
    if (content === undefined) throw new BundleError('archive-files', `the archive lacks ${path}`);
    return content;
  };
  const facts = readManifest(file('.manifest'));
  const data = file('data.json');
  const wasm = file('policy.wasm');
  const digest = hashed.digest();
  if (keys !== null) {
    if (signed === null) throw new BundleError('signature-missing', 'the archive is not signed');
    checkFiles(signed, files, digest);
  }
  if (`sha256:${digest}` !== facts.digest)
    throw new BundleError('digest-mismatch', 'data.json is not the one its manifest names');
  const lines = (scan ?? createLineScan(data)).finish();
  if (lines.grants !== facts.grants)
    throw new BundleError(
      'manifest-invalid',
      `.manifest counts ${facts.grants} grants, data.json holds ${lines.grants}`,
    );
  checkWasm(wasm, entrypoint);
  const policies = new Map([...files].filter(([path]) => policyPath.test(path)));
  return { ...facts, data, lines, wasm, policies };
}
