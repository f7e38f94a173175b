import { createPublicKey, type KeyObject, verify as verifyWith } from 'node:crypto';
import { BundleError } from '../bundleError.ts';

/** How the id of a key may look: in a signature's header, in gateway.yaml and on a command line alike. */
export const keyIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export type SignatureAlgorithm = 'ES256' | 'RS256';

/** A public key; it fixes the algorithm, so a signature cannot choose another. */
export type VerifyKey = {
  algorithm: SignatureAlgorithm;
  verify(text: string, signature: Buffer): boolean;
};

/** One key, whatever signatures call it; or several by their ids, so that an old and a new one hold at once. */
export type VerifyKeys = VerifyKey | ReadonlyMap<string, VerifyKey>;

/** Public keys as text (PEM): plain data, for a thread of its own. */
export type KeyTexts = string | Readonly<Record<string, string>>;

/** Throws BundleError `key-unsupported`. */
export function assertKeyId(keyid: string): void {
  if (!keyIdForm.test(keyid))
    throw new BundleError(
      'key-unsupported',
      'the id of a key must be letters, digits, dots, dashes and underscores, 64 at most',
    );
}

/** What a key signs or verifies with. Throws BundleError `key-unsupported`. */
export function algorithmOf(key: KeyObject): SignatureAlgorithm {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return 'RS256';
  throw new BundleError(
    'key-unsupported',
    `the key is ${key.asymmetricKeyType ?? 'unknown'}, expected an EC key on P-256 or an RSA key of 2048 bits or more`,
  );
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
