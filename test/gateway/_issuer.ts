import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { parseConfig } from '../../gateway/config/config.ts';
import { openIssuers } from '../../gateway/identity/issuers.ts';
import { createVerifyJwt, type VerifyJwt } from '../../gateway/identity/verifyJwt.ts';

/** Issuers as gateway.yaml has them, for the audience `grantgate` where they name none. */
export const issuersOf = (issuers: readonly Record<string, unknown>[]) =>
  parseConfig(
    {
      bundle: { source: 'git+file:///x' },
      issuers: issuers.map((issuer) => ({ audience: 'grantgate', ...issuer })),
    },
    '/gateway.yaml',
  ).issuers;

/** Verifies what these issuers sign. */
export const verifierOf = (issuers: readonly Record<string, unknown>[], now: () => number): VerifyJwt =>
  createVerifyJwt(openIssuers(issuersOf(issuers), { now }), now);

/** What a token may be signed with; EdDSA has two names. */
export const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

/** A token issuer on loopback whose keys, answers and faults a test controls. */
export type Issuer = {
  url: string;
  /** How often discovery and keys were asked for. */
  fetches: { discovery: number; jwks: number };
  /** How both endpoints answer from now on. */
  fault: (fault: 'none' | 'down' | 'hang' | 'huge') => void;
  /** Signs with the newest key; `claims` override the usual ones, and undefined leaves one out. */
  token: (claims?: Record<string, unknown>, header?: Record<string, unknown>) => Promise<string>;
  /** Publishes a new key; the old one goes unless `keep`. Its name is a new one unless given. */
  rotate: (options?: { keep: boolean; kid?: string }) => Promise<void>;
  /** What stands in the key set in place of the public keys. */
  publish: (keysOf: (keys: readonly JWK[]) => readonly unknown[]) => void;
  publicKey: () => CryptoKey;
  close: () => Promise<void>;
};

export async function startIssuer({ audience = 'grantgate', now = Date.now } = {}): Promise<Issuer> {
  const keys: { pair: Awaited<ReturnType<typeof generateKeyPair>>; jwk: JWK }[] = [];
  let fault = 'none';
  let keysOf: Parameters<Issuer['publish']>[0] = (all) => all;
  const fetches = { discovery: 0, jwks: 0 };
  const server = createServer((request, response) => {
    const jwks = request.url === '/jwks';
    fetches[jwks ? 'jwks' : 'discovery'] += 1;
    if (fault === 'hang') return;
    if (fault === 'down') return void response.writeHead(503).end();
    if (fault === 'huge') return void response.end(`{"keys":[${'1,'.repeat(1_000_000)}1]}`);
    const body = jwks
      ? { keys: keysOf(keys.map(({ jwk }) => jwk)) }
      : { issuer: url, jwks_uri: `${url}/jwks` };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const rotate = async ({ keep, kid: given }: { keep: boolean; kid?: string } = { keep: false }) => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const kid =
      given ?? `key-${fetches.jwks}-${keys.length}-${Math.floor(now())}-${keys.at(0)?.jwk.kid ?? ''}`;
    if (!keep) keys.length = 0;
    keys.unshift({ pair, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' } });
  };
  await rotate();
  const newest = () => {
    const key = keys[0];
    if (key === undefined) throw new Error('no key');
    return key;
  };
  return {
    url,
    fetches,
    fault: (next) => {
      fault = next;
    },
    token: (claims = {}, header = {}) => {
      const seconds = Math.floor(now() / 1000);
      const all = {
        iss: url,
        aud: audience,
        sub: 'ann@example.com',
        iat: seconds,
        exp: seconds + 300,
        ...claims,
      };
      const { pair, jwk } = newest();
      return new SignJWT(JSON.parse(JSON.stringify(all)))
        .setProtectedHeader({ alg: 'ES256', kid: jwk.kid, ...header } as { alg: string })
        .sign(pair.privateKey);
    },
    rotate,
    publish: (next) => {
      keysOf = next;
    },
    publicKey: () => newest().pair.publicKey as CryptoKey,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
