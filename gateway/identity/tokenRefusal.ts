import { Refusal } from '../http/refusal.ts';
import type { challenge } from './challenge.ts';

/** Why a token is refused, for those who run the gateway; whoever sent it is told the code only. */
export const tokenCauses = {
  form: 'It is no token in compact form: three parts in base64url, with JSON in the first two.',
  'too-long': 'It is longer than tokens may be.',
  issuer: 'Its `iss` is none of the issuers in gateway.yaml, to the letter.',
  algorithm: 'Its algorithm is none of those that the issuer may use (`algorithms`).',
  'key-unknown': 'Its `kid` is none of the keys that the issuer publishes.',
  'key-unusable': 'The key that the issuer publishes for it is too short, or no use for its algorithm.',
  signature: 'Its signature is not by the key that it names.',
  audience: 'Its `aud` holds no audience that gateway.yaml names for the issuer.',
  expired: 'Its `exp` is over.',
  'not-yet-valid': 'Its `nbf` or `iat` is in the future: compare the clocks.',
  'expiry-missing': 'It has no `exp`, or one beyond reason.',
  'subject-missing': 'It has no `sub`, or one that is no text.',
  claims: 'A claim of it is not of the type that it must have.',
  type: 'It is an ID, refresh or log-out token, not one that gives access (`id_tokens`).',
  groups: 'It shall carry groups, and says only where they are.',
  scope: 'It lacks the scope that gateway.yaml asks for.',
  inactive: 'The issuer says that it is not active.',
  bound: 'It is bound to a certificate (or key) that the connection did not show.',
  'login-missing': 'It has no text in the claim that holds the login (`login_claim`), and is of no service.',
  'email-unverified': 'Its address is not verified (`unverified_email`).',
  people: 'It names a person whom its issuer may not name (`people`).',
  nobody: 'It names nobody: neither a login, nor one service that its issuer may name.',
  'not-accepted': 'The API takes other credentials (`authentication`).',
} as const;

export type TokenCause = keyof typeof tokenCauses;

/** A token that is refused: `issuer` is one of the configured ones, or null. */
export class TokenRefusal extends Refusal {
  readonly issuer: string | null;
  readonly why: TokenCause;
  constructor(
    why: TokenCause,
    issuer: string | null,
    [code, message]: readonly [code: string, message: string],
    headers: ReturnType<typeof challenge>,
  ) {
    super(401, code, message, headers);
    this.name = 'TokenRefusal';
    this.issuer = issuer;
    this.why = why;
  }
}

const invalid = ['token-invalid', 'The token is not valid here.'] as const;
const codes: Partial<Record<TokenCause, readonly [string, string]>> = {
  expired: ['token-expired', 'The token has expired.'],
  groups: [
    'groups-elsewhere',
    'The token does not hold its groups, only where they are; have it issued with fewer groups, or with those of the application.',
  ],
};

/** What the caller is told of a cause. */
export const toldOf = (why: TokenCause): readonly [string, string] => codes[why] ?? invalid;
