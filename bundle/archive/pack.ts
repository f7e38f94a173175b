import { packTarball } from '../format/tarball.ts';
import type { Bundle } from './bundle.ts';
import { writeManifest } from './manifest.ts';
import { type SigningKey, sign } from './sign.ts';

/**
 * Packs a bundle into OPA's archive format (gzipped tar), signed when a key is given. The same bundle and key give
 * the same bytes.
 */
export function pack(bundle: Bundle, key: SigningKey | null): Promise<Buffer> {
  const files = new Map([['data.json', bundle.data], ['policy.wasm', bundle.wasm], ...bundle.policies]);
  files.set('.manifest', writeManifest(bundle, files));
  if (key) files.set('.signatures.json', sign(files, key));
  return packTarball(files);
}
