import { compareCodePoints } from '../format/canonicalJson.ts';
import { dataDigest, sha256 } from '../format/digest.ts';

/** One file as OPA's signature lists it: `hash` is of the canonical text for JSON documents, of the bytes otherwise. */
export type SignedFile = { name: string; hash: string; algorithm: 'SHA-256' };

/**
 * Lists what a signature must cover: every file but itself. `.manifest` must be canonical JSON, data.json line form;
 * `digest` is that of data.json where it is known.
 */
export function signedFiles(files: ReadonlyMap<string, Buffer>, digest?: string): SignedFile[] {
  return [...files]
    .filter(([name]) => name !== '.signatures.json')
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, content]) => ({
      name,
      hash: name === 'data.json' ? (digest ?? dataDigest(content)) : sha256(content),
      algorithm: 'SHA-256',
    }));
}
