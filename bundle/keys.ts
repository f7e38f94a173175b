import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { BundleError } from './bundleError.ts';

/** How the id of a key may look: in a signature's header, in gateway.yaml and on a command line alike. */
export const keyIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export type SignatureAlgorithm = 'ES256' | 'RS256';

/** A private key that signs the same text always the same way. */
export type SigningKey = {
  algorithm: SignatureAlgorithm;
  /** Goes into the signature's header; OPA finds its verification key by it. */
  keyid: string;
  sign(text: string): Buffer;
};

/** A public key; it fixes the algorithm, so a signature cannot choose another. */
export type VerifyKey = {
  algorithm: SignatureAlgorithm;
  verify(text: string, signature: Buffer): boolean;
};

/** One key, whatever signatures call it; or several by their ids, so that an old and a new one hold at once. */
export type VerifyKeys = VerifyKey | ReadonlyMap<string, VerifyKey>;

/** Public keys as text (PEM): plain data, for a thread of its own. */
export type KeyTexts = string | Readonly<Record<string, string>>;

function assertKeyId(keyid: string): void {
  if (!keyIdForm.test(keyid))
    throw new BundleError(
      'key-unsupported',
      'the id of a key must be letters, digits, dots, dashes and underscores, 64 at most',
    );
}

function algorithmOf(key: KeyObject): SignatureAlgorithm {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return 'RS256';
  throw new BundleError(
    'key-unsupported',
    `the key is ${key.asymmetricKeyType ?? 'unknown'}, expected an EC key on P-256 or an RSA key of 2048 bits or more`,
  );
}

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

/** Reads a public key (PEM), or the public half of a private one. Throws BundleError `key-unsupported`. */
export function readVerifyKey(pem: string): VerifyKey {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new BundleError('key-unsupported', 'not a key in PEM form');
  }
  const algorithm = algorithmOf(key);
  const options = algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key };
  return {
    algorithm,
    verify: (text, signature) => verifyWith('sha256', Buffer.from(text), options, signature),
  };
}

/** Reads one public key, or several by their ids. Throws BundleError `key-unsupported`. */
export function readVerifyKeys(texts: KeyTexts): VerifyKeys {
  if (typeof texts === 'string') return readVerifyKey(texts);
  const keys = new Map<string, VerifyKey>();
  for (const [id, pem] of Object.entries(texts)) {
    assertKeyId(id);
    keys.set(id, readVerifyKey(pem));
  }
  if (keys.size === 0) throw new BundleError('key-unsupported', 'at least one key is needed');
  return keys;
}
