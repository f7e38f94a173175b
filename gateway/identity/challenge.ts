import type { AuthenticationMethod } from '../../bundle/grants/credentials.ts';

/** What the caller tried when it failed, as far as RFC 6750 has a word for it. */
export type BearerError = 'invalid_request' | 'invalid_token';

const bearers: readonly AuthenticationMethod[] = ['jwt', 'introspection', 'api-key'];

/**
 * `WWW-Authenticate` (RFC 9110, 11.6.1): one challenge per scheme by which the caller could prove who it is. `error`
 * is for those who sent a bearer token (RFC 6750, 3.1); who sent nothing is told none. An API key goes as a bearer
 * token too; there is no registered scheme for certificates, and at least one challenge is due.
 */
export function challenge(
  methods: readonly AuthenticationMethod[],
  error?: BearerError,
): Record<'www-authenticate', string> {
  const realm = 'realm="grantgate"';
  const challenges: string[] = [];
  if (methods.some((method) => bearers.includes(method)))
    challenges.push(error === undefined ? `Bearer ${realm}` : `Bearer ${realm}, error="${error}"`);
  if (methods.includes('api-key')) challenges.push(`ApiKey ${realm}`);
  if (methods.includes('client-certificate')) challenges.push(`ClientCertificate ${realm}`);
  return { 'www-authenticate': challenges.join(', ') };
}
