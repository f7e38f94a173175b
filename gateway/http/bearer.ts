import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { Refusal } from './refusal.ts';

/** Throws Refusal 401 unless the request carries the token; takes the same time for every wrong one, whatever its length. */
export function assertBearer({ headers }: IncomingMessage, token: string, realm: string): void {
  const given = /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(given), digest(token)))
    throw new Refusal(401, 'credentials-invalid', 'The token of this listener is needed.', {
      'www-authenticate': `Bearer realm="${realm}"`,
    });
}

/**
 * Without a token a listener is for this machine alone. A page whose name was made to resolve to it (DNS rebinding)
 * comes from this machine too, but under its own name. Throws Refusal 421.
 */
export function assertLoopback({ headers }: IncomingMessage): void {
  const host = URL.parse(`http://${headers.host ?? ''}`)?.hostname ?? '';
  if (!isLoopback(host))
    throw new Refusal(421, 'host-unknown', 'Without a token, only a loopback address names this listener.');
}
