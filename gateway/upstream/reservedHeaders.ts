import { spelledAlike } from '../http/spelledAlike.ts';

/**
 * Headers by which upstreams, or what stands before them, are told who calls, from where, or what else to do than what
 * was decided. Names are in lower case with `-` for `_` and `.`, because CGI-like servers cannot tell those apart.
 * `name-*` is the name itself and whatever goes on behind a dash, `name*` whatever begins so.
 */
export const reservedHeaders: readonly (readonly [pattern: string, reason: string])[] = [
  ['x-grantgate-*', 'what we say of the caller'],
  ['x-forwarded-*', 'from where the caller comes, and by whom it was proved'],
  ['forwarded', 'the same (RFC 7239)'],
  ['x-real-ip', 'from where the caller comes, in the words of nginx'],
  ['x-client-ip', 'the same'],
  ['x-cluster-client-ip', 'the same'],
  ['true-client-ip', 'the same'],
  ['x-original-*', 'another target than the one decided'],
  ['x-rewrite-*', 'the same, in the words of IIS'],
  ['x-method-*', 'another method than the one decided'],
  ['x-http-method-*', 'the same'],
  ['x-user-*', 'who calls'],
  ['x-auth-request-*', 'who calls, in the words of oauth2-proxy'],
  ['x-auth-user-*', 'who calls'],
  ['x-auth-email-*', 'who calls'],
  ['x-auth-group-*', 'what the caller belongs to'],
  ['x-auth-groups-*', 'what the caller belongs to'],
  ['x-auth-role-*', 'what the caller may do'],
  ['x-auth-roles-*', 'what the caller may do'],
  ['x-auth-subject-*', 'who calls'],
  ['x-authenticated-*', 'who calls'],
  ['x-remote-*', 'who calls'],
  ['remote-user', 'who calls, in the words of CGI'],
  ['x-webauth-*', 'who calls, in the words of Grafana'],
  ['x-principal*', 'who calls'],
  ['x-jwt-assertion-*', 'a token that somebody before us is said to have verified'],
  ['x-jwt-claim-*', 'the same'],
  ['x-jwt-claims-*', 'the same'],
  ['x-ssl-*', 'a certificate that somebody before us is said to have verified'],
  ['ssl-client-*', 'the same'],
  ['x-client-cert*', 'the same'],
  ['client-cert', 'the same (RFC 9440)'],
  ['client-cert-chain', 'the same (RFC 9440)'],
  ['x-amzn-mtls-*', 'the same'],
  ['x-arr-clientcert-*', 'the same'],
  ['x-mtls-*', 'the same'],
  ['x-tls-*', 'the same'],
  ['x-spiffe-*', 'the same'],
  ['proxy*', 'a word to the next hop; `Proxy` becomes HTTP_PROXY in CGI'],
  ['http2-settings', 'the second half of an upgrade that is not passed on'],
  ['authorization', 'the credential itself'],
  ['x-api-key', 'the credential itself'],
  ['--proto--', 'no name but the prototype of a careless object'],
];

/** Whether only we may say a header; `name` in any spelling. */
export function isReserved(name: string): boolean {
  return pattern.test(spelledAlike(name));
}

const pattern = new RegExp(`^(?:${reservedHeaders.map(([name]) => expression(name)).join('|')})$`);

function expression(name: string): string {
  if (name.endsWith('-*')) return `${name.slice(0, -2)}(?:-.*)?`;
  return name.endsWith('*') ? `${name.slice(0, -1)}.*` : name;
}
