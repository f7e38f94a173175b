import { canonicalJson } from '../format/canonicalJson.ts';
import { packTarball } from '../format/tarball.ts';
import type { Bundle } from './bundle.ts';
import { writeManifest } from './manifest.ts';
import { type SigningKey, sign } from './sign.ts';

/**
 * Packs a bundle without its compiled policy, signed, for OPA servers that were built without a WASM engine: they
 * refuse a module and answer from the Rego. Same bundle and key, same bytes. Gateways want the whole one.
 */
export function packRego(bundle: Bundle, key: SigningKey): Promise<Buffer> {
  const files = new Map([['data.json', bundle.data], ...bundle.policies]);
  const { wasm: _, ...manifest } = JSON.parse(writeManifest(bundle, files).toString()) as Record<
    string,
    unknown
  >;
  files.set('.manifest', Buffer.from(canonicalJson(manifest)));
  files.set('.signatures.json', sign(files, key));
  return packTarball(files);
}
