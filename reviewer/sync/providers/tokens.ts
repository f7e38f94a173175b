import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { z } from 'zod';
import type { Surroundings } from './client.ts';
import { isLimit, waitOf } from './rate.ts';
import { SyncError } from './syncError.ts';

/** Gives the header of the credential; `renew` throws away what was remembered. */
export type Authorize = (renew: boolean) => Promise<Readonly<Record<string, string>>>;

/** A credential that is the same for ever, as a whole header. */
export const fixed =
  (header: string): Authorize =>
  async () => ({ authorization: header });

const granted = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

type ClientCredentials = Pick<Surroundings, 'fetch' | 'now' | 'signal'> & {
  /** The token endpoint. */
  url: string;
  scope: string;
  clientId: string;
  proof: { secret: string } | { key: KeyObject; kid?: string };
};

const timeoutMs = 30_000;
/** A token that ends within this is no use for a page that takes long. */
const marginMs = 60_000;

/** OAuth 2.0 client credentials, by a secret or by a JWT signed with a private key (RFC 7523); one token for all until it ends. */
export function clientCredentials(options: ClientCredentials): Authorize {
  const { now } = options;
  let current: { header: string; untilMs: number } | null = null;
  let fetching: Promise<void> | null = null;
  return async (renew) => {
    if (renew && fetching === null) current = null;
    if (current === null || current.untilMs <= now()) {
      fetching ??= obtain(options)
        .then(({ access_token: token, expires_in: seconds }) => {
          current = { header: `Bearer ${token}`, untilMs: now() + seconds * 1000 - marginMs };
        })
        .finally(() => {
          fetching = null;
        });
      await fetching;
    }
    return { authorization: current?.header ?? '' };
  };
}

async function obtain({ url, scope, clientId, proof, fetch: ask, now, signal }: ClientCredentials) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope, client_id: clientId });
  if ('secret' in proof) form.set('client_secret', proof.secret);
  else {
    const seconds = Math.floor(now() / 1000);
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    form.set(
      'client_assertion',
      await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({
          alg: algorithmOf(proof.key),
          ...(proof.kid === undefined ? {} : { kid: proof.kid }),
        })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(url)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + 300)
        .sign(proof.key),
    );
  }
  let response: Response;
  let body: unknown;
  try {
    response = await ask(url, {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
    });
    body = await response.json().catch(() => null);
  } catch (cause) {
    throw new SyncError('sync-unreachable', `${url} gives no token: no answer`, { cause });
  }
  if (isLimit(response.status, response.headers))
    throw new SyncError('sync-limited', `${url} gives no token for now: ${response.status}`, {
      waitMs: waitOf(response.headers, now(), 0),
    });
  if (response.status !== 200) {
    // RFC 6749 names the fault by a code; the description may quote what was sent.
    const code = z.object({ error: z.string().regex(/^[a-z_]{1,60}$/) }).safeParse(body).data?.error;
    throw new SyncError(
      response.status >= 500 ? 'sync-failed' : 'sync-unauthorized',
      `${url} gives no token: ${response.status}${code === undefined ? '' : ` ${code}`}`,
    );
  }
  const result = granted.safeParse(body);
  if (!result.success) throw new SyncError('sync-answer', `${url}: not a token answer`);
  return result.data;
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new SyncError('sync-config', 'the private key must be RSA or on P-256');
}

/** A private key, PEM or JWK, with its id where it has one. Throws SyncError `sync-config`, which never holds it. */
export function readPrivateKey(text: string): { key: KeyObject; kid?: string } {
  try {
    if (!text.startsWith('{')) return { key: createPrivateKey(text) };
    const jwk = z.looseObject({ kid: z.string().optional() }).parse(JSON.parse(text));
    return {
      key: createPrivateKey({ key: jwk, format: 'jwk' }),
      ...(jwk.kid === undefined ? {} : { kid: jwk.kid }),
    };
  } catch {
    throw new SyncError('sync-config', 'the private key is neither PEM nor a JWK');
  }
}
