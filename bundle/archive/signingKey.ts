import { createPrivateKey, type KeyObject, sign as signWith } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { BundleError } from '../bundleError.ts';
import { canonicalJson } from '../format/canonicalJson.ts';
import { algorithmOf, assertKeyId, type SignatureAlgorithm } from './keys.ts';
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

/**
 * Reads a private key (PEM). `keyid` is `default` unless given, the id opa uses where none is configured. Throws
 * BundleError `key-unsupported`; the message never holds the key.
 */
export function readSigningKey(pem: string, keyid = 'default'): SigningKey {
  assertKeyId(keyid);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new BundleError('key-unsupported', 'not a private key in PEM form (or one with a passphrase)');
  }
  const algorithm = algorithmOf(key);
  if (algorithm === 'RS256')
    return { algorithm, keyid, sign: (text) => signWith('sha256', Buffer.from(text), key) };
  // node:crypto signs ECDSA with a random number, so the same commit would give other bytes each time (RFC 6979).
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  return { algorithm, keyid, sign: (text) => Buffer.from(p256.sign(Buffer.from(text), secret)) };
}
