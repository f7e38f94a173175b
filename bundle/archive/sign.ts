import { canonicalJson } from '../format/canonicalJson.ts';
import type { SignatureAlgorithm } from './keys.ts';
import { signedFiles } from './signedFiles.ts';

/** Makes `.signatures.json`: one JWT over the digests of all other files, in OPA's format. */
export function sign(files: ReadonlyMap<string, Buffer>, key: SigningKey): Buffer {
  const part = (value: unknown) => Buffer.from(canonicalJson(value)).toString('base64url');
  // `keyid` repeats the header's `kid` for older versions of OPA.
  const text = `${part({ alg: key.algorithm, kid: key.keyid, typ: 'JWT' })}.${part({ files: signedFiles(files), keyid: key.keyid })}`;
  return Buffer.from(canonicalJson({ signatures: [`${text}.${key.sign(text).toString('base64url')}`] }));
}

/** A private key that signs the same text always the same way. */
export type SigningKey = {
  algorithm: SignatureAlgorithm;
  /** Goes into the signature's header; OPA finds its verification key by it. */
  keyid: string;
  sign(text: string): Buffer;
};
