import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';
import type { GatewayConfig } from '../config/config.ts';
import { detailOf, faultOf } from '../http/fault.ts';
import { Refusal } from '../http/refusal.ts';
import { jwtForm } from '../identity/authenticate.ts';
import { createTokenChecks } from '../identity/authentication.ts';
import type { TokenClaims } from '../identity/tokenClaims.ts';
import { type TokenCause, TokenRefusal, tokenCauses } from '../identity/tokenRefusal.ts';

/** What a gateway of that configuration says of a token. Of the token itself there are claims that tell whose it is. */
export type TokenExplanation = {
  accepted: boolean;
  /** What a caller is told; null when it is accepted. */
  code: string | null;
  /** As in `grantgate_tokens_refused_total`, or why the issuer could not be asked. */
  cause: TokenCause | string | null;
  reason: string;
  /** Not verified where the token is refused. */
  token: {
    issuer?: string;
    audience?: string;
    algorithm?: string;
    key?: string;
    type?: string;
    expires?: string;
  };
  /** Whom it names: a login, and the subject by which a service would be known. */
  login: string | null;
  subject: string | null;
};

type Options = { config: GatewayConfig; env: NodeJS.ProcessEnv; now: () => number };

/**
 * Says why a token would be refused, by the checks of a gateway: the issuer's keys are fetched, an opaque token is asked
 * about. Whether the directory knows whom it names is a matter of a revision, and not looked at. Throws ConfigError.
 */
export async function explainToken(text: string, options: Options): Promise<TokenExplanation> {
  const token = text.trim().replace(/^bearer +/i, '');
  const { verifyJwt, introspection } = createTokenChecks(options.config, options);
  const introspect = introspection?.introspect ?? null;
  const unknown = { token: shownOf(token), login: null, subject: null };
  const refused = (code: string, cause: string, reason: string) => ({
    ...unknown,
    ...{ accepted: false, code, cause, reason },
  });
  if (token.startsWith('gg_'))
    return refused(
      'credentials-invalid',
      'api-key',
      'It is an API key, and no token: services.yaml has its hash.',
    );
  let claims: TokenClaims;
  try {
    if (!/^[\x21-\x7e]+$/.test(token)) return refused('token-invalid', 'form', tokenCauses.form);
    claims = await (introspect !== null && !jwtForm.test(token) ? introspect(token) : verifyJwt(token));
  } catch (error) {
    if (error instanceof TokenRefusal) return refused(error.code, error.why, tokenCauses[error.why]);
    if (!(error instanceof Refusal)) throw error;
    const detail = detailOf(error.cause);
    return refused(
      error.code,
      faultOf(error.cause),
      `The issuer gives no answer: ${detail ?? 'unknown why'}.`,
    );
  }
  const { login, sub, issuer, unnamed } = claims;
  const service = `${issuer}|${sub}`;
  return {
    accepted: true,
    code: null,
    cause: null,
    reason:
      login !== null
        ? 'It is accepted. What it may do, `grantgate explain --subject` says.'
        : `It is valid, and accepted only if services.yaml knows its subject: ${tokenCauses[unnamed ?? 'nobody']}`,
    token: unknown.token,
    login,
    subject: service,
  };
}

/** In words, for a terminal. */
export function tokenText({
  accepted,
  code,
  cause,
  reason,
  token,
  login,
  subject,
}: TokenExplanation): string {
  const rows = Object.entries({
    ...token,
    ...(login === null ? {} : { login: shown(login) }),
    ...(subject === null ? {} : { subject: shown(subject) }),
  });
  return [
    accepted ? 'accepted' : `refused: ${code}, cause ${cause}`,
    reason,
    ...rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`),
    '',
  ].join('\n');
}

/** A claim may hold anything, also what would move a terminal's cursor. */
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 200) ?? '';

/** What of a token helps to find its fault and opens no door. */
function shownOf(token: string): TokenExplanation['token'] {
  try {
    const { iss, aud, exp } = decodeJwt(token);
    const { alg, kid, typ } = decodeProtectedHeader(token);
    const expires = typeof exp === 'number' && exp < 8.64e12 ? new Date(exp * 1000).toISOString() : undefined;
    const named = { issuer: iss, audience: aud, algorithm: alg, key: kid, type: typ, expires };
    return Object.fromEntries(
      Object.entries(named)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, shown(value)]),
    );
  } catch {
    return {};
  }
}
