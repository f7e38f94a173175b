import { createHash, randomBytes } from 'node:crypto';
import { BundleError } from './bundleError.ts';

/** A new API key: shown once, and kept by nobody but its service. */
export type NewKey = {
  /** `service:NAME`. */
  service: string;
  /** `gg_ID_SECRET`. */
  key: string;
  /** What stands for it in services.yaml: SHA-256 of the secret part, hex. */
  api_key_sha256: string;
  /** The entry for the service's `credentials` in services.yaml. */
  yaml: string;
  /** All of it in words. */
  text: string;
};

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Makes an API key with 256 random bits. `random` gives that many bytes. Throws BundleError `service-invalid`. */
export function newKey(service: string, random: (bytes: number) => Uint8Array = randomBytes): NewKey {
  const name = service.replace(/^service:/, '');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name))
    throw new BundleError('service-invalid', 'the service must be a name like "invoicer"');
  // The part before the secret tells keys apart where they are kept and leaked; it protects nothing.
  const id = Array.from(random(10), (byte) => letters[byte % letters.length]).join('');
  const secret = Buffer.from(random(32)).toString('base64url');
  const sha256 = createHash('sha256').update(secret).digest('hex');
  const made = {
    service: `service:${name}`,
    key: `gg_${id}_${secret}`,
    api_key_sha256: sha256,
    yaml: `- api_key_sha256: "${sha256}" # gg_${id}`,
  };
  const text = [
    `The key of ${made.service}, shown this once:`,
    `  ${made.key}`,
    'To let it in, under its "credentials" in grants/directory/services.yaml:',
    `      ${made.yaml}`,
  ].join('\n\n');
  return { ...made, text };
}
