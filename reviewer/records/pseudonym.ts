import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fold } from '../../bundle/grants/names.ts';
import { ReviewError } from '../reviewError.ts';

const form = /^[A-Za-z0-9+/_=-]{43,}$/;

/**
 * The key that pseudonyms are made with. One that is not there is made where `create` says so (null otherwise), readable
 * by its owner alone. Throws ReviewError `erasure-key`.
 */
export function erasureKey(path: string, create: boolean): string | null {
  if (!existsSync(path)) {
    if (!create) return null;
    const text = randomBytes(32).toString('base64url');
    writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx' });
    return text;
  }
  if ((statSync(path).mode & 0o077) !== 0)
    throw new ReviewError(
      'erasure-key',
      `the key file ${path} must be readable by its owner alone (chmod 600)`,
    );
  const text = readFileSync(path, 'utf8').trim();
  if (!form.test(text))
    throw new ReviewError(
      'erasure-key',
      `the key file ${path} must hold a line of 43 or more characters of base64; left out, one is made`,
    );
  return text;
}

/** The same for the same person, whatever the spelling, as long as the key is there. */
export function pseudonymOf(person: string, key: string): string {
  const mac = createHmac('sha256', key).update(fold(person)).digest('hex');
  return `user:erased-${mac.slice(0, 32)}`;
}
