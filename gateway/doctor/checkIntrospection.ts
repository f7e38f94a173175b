import { randomBytes } from 'node:crypto';
import { ConfigError, type IntrospectionConfig, readSecret } from '../config/config.ts';
import { detailOf, faultOf } from '../http/fault.ts';
import { Refusal } from '../http/refusal.ts';
import { createIntrospect } from '../identity/introspect.ts';
import { TokenRefusal } from '../identity/tokenRefusal.ts';
import { type Finding, ok, problem } from './finding.ts';

/** Asks about a token that nobody issued: the answer must be that it is not active. */
export async function checkIntrospection(
  config: IntrospectionConfig,
  env: NodeJS.ProcessEnv,
  now: () => number,
): Promise<Finding> {
  const check = 'introspection';
  const active = problem(
    check,
    `${config.endpoint} takes a token that nobody issued for active`,
    'see that "endpoint" is one of RFC 7662: with this one anybody would get in, or nobody',
  );
  let clientSecret: string;
  try {
    clientSecret = readSecret(config.client_secret, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return problem(check, 'not asked: its client secret is missing', 'see "introspection.client_secret"');
  }
  try {
    await createIntrospect({ config, clientSecret, now })(
      `grantgate-doctor-${randomBytes(16).toString('hex')}`,
    );
    return active;
  } catch (error) {
    if (error instanceof TokenRefusal)
      return error.why === 'inactive' ? ok(check, `${config.endpoint} answers`) : active;
    if (!(error instanceof Refusal)) throw error;
    return problem(
      check,
      `${config.endpoint} gives no usable answer (${faultOf(error.cause)}): ${detailOf(error.cause) ?? 'it is not what RFC 7662 says'}`,
      'see "endpoint", and that "client_id" and its secret may ask there (401 and 403 mean that they may not)',
    );
  }
}
