import { createPrivateKey, type KeyObject, sign as signWith } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { BundleError } from '../bundleError.ts';
import { algorithmOf, assertKeyId } from './keys.ts';
import type { SigningKey } from './sign.ts';

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
