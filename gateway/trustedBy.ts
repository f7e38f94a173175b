import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from './config/config.ts';
import type { Admission } from './decision/admission.ts';

/** Whether a token's issuer is believed as it was before; how long its keys and answers count is no matter of belief. */
export function trustedBy(current: GatewayConfig, next: GatewayConfig) {
  const believed = ({ issuers, introspection }: GatewayConfig) => {
    const jwt = new Map(issuers.map(({ keys: _, ...issuer }) => [issuer.issuer, issuer] as const));
    if (introspection === undefined) return { jwt, introspection };
    const { cache: _, timeout: __, client_secret: ___, ...asked } = introspection;
    return { jwt, introspection: asked };
  };
  const [before, after] = [believed(current), believed(next)];
  return ({ method, issuer }: { method: 'jwt' | 'introspection'; issuer: string }): boolean =>
    method === 'jwt'
      ? isDeepStrictEqual(before.jwt.get(issuer), after.jwt.get(issuer))
      : after.introspection !== undefined && isDeepStrictEqual(before.introspection, after.introspection);
}

/** Whether what an admission rests on is believed under the next configuration as under the current one. */
export function isStillTrusted(
  current: GatewayConfig,
  next: GatewayConfig,
  { identity: { proof } }: Pick<Admission, 'identity'>,
): boolean {
  if (proof?.method !== 'jwt' && proof?.method !== 'introspection') return true;
  return trustedBy(current, next)(proof);
}
