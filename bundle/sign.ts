import { canonicalJson, compareCodePoints } from './canonicalJson.ts';
import { dataDigest, sha256 } from './digest.ts';
import type { SigningKey } from './signingKey.ts';

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

/** Makes `.signatures.json`: one JWT over the digests of all other files, in OPA's format. */
export function sign(files: ReadonlyMap<string, Buffer>, key: SigningKey): Buffer {
  const part = (value: unknown) => Buffer.from(canonicalJson(value)).toString('base64url');
  // `keyid` repeats the header's `kid` for older versions of OPA.
  const text = `${part({ alg: key.algorithm, kid: key.keyid, typ: 'JWT' })}.${part({ files: signedFiles(files), keyid: key.keyid })}`;
  return Buffer.from(canonicalJson({ signatures: [`${text}.${key.sign(text).toString('base64url')}`] }));
}
