import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { debianProgram } from '../_debian.ts';
import { freePort, startServer } from '../_server.ts';
import { makeCertificate } from './_certificates.ts';

/** The one user, and its bcrypt hash. */
export const user = { username: 'grantgate', password: 's3cret-password' };
const hash = '$2b$04$L/e4jwIg/HWF0yoG3a4z4uunN/wsTjqe9OTrzRKT9iNe8.k6pbqQq';

export type Registry = { host: string; close: () => Promise<void> };

/**
 * The CNCF's registry, as Debian packages it, empty and in a folder of its own: open to all, with passwords, or with
 * tokens. Null where it cannot be had.
 */
export async function startRegistry(auth: 'none' | 'password' | TokenGiver): Promise<Registry | null> {
  const program = await debianProgram('docker-registry', ['docker-registry'], ['--version']);
  if (program === null) return null;
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-registry-'));
  const port = await freePort();
  const sections = {
    none: {},
    password: { auth: { htpasswd: { realm: 'northwind', path: join(folder, 'htpasswd') } } },
  };
  if (typeof auth !== 'string') await writeFile(join(folder, 'tokens.pem'), auth.certificate);
  await writeFile(join(folder, 'htpasswd'), `${user.username}:${hash}\n`);
  const tokens = (giver: TokenGiver) => ({
    auth: {
      token: {
        realm: giver.realm,
        service: 'registry',
        issuer: 'tokens',
        rootcertbundle: join(folder, 'tokens.pem'),
      },
    },
  });
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: `127.0.0.1:${port}` },
    ...(typeof auth === 'string' ? sections[auth] : tokens(auth)),
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const env = { ...program.env, OTEL_TRACES_EXPORTER: 'none' };
  const server = await startServer({ ...program, env }, ['serve', join(folder, 'config.yml')], port);
  return {
    host: `127.0.0.1:${port}`,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Gives tokens for a registry to who knows the password, like GitLab's or Docker Hub's: at another origin. */
export type TokenGiver = {
  realm: string;
  origin: string;
  certificate: string;
  /** What it was asked. */
  requests: IncomingMessage[];
  close: () => Promise<void>;
};

export async function startTokenGiver(): Promise<TokenGiver> {
  const certificate = makeCertificate({ subject: [['CN', 'tokens']], authority: true });
  const x5c = [certificate.cert.replace(/-----[^-]+-----|\n/g, '')];
  const expected = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const requests: IncomingMessage[] = [];
  const server = createServer(async (request, response) => {
    requests.push(request);
    const { searchParams } = new URL(request.url ?? '', 'http://tokens');
    if (request.headers.authorization !== expected) return response.writeHead(401).end();
    const [type = '', name = '', actions = ''] = (searchParams.get('scope') ?? '').split(':');
    const token = await new SignJWT({ access: [{ type, name, actions: actions.split(',') }] })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', x5c })
      .setIssuer('tokens')
      .setSubject(user.username)
      .setAudience(searchParams.get('service') ?? '')
      .setIssuedAt()
      .setNotBefore('-10s')
      .setExpirationTime('5min')
      .setJti(String(requests.length))
      .sign(createPrivateKey(certificate.key));
    return response.end(JSON.stringify({ token, expires_in: 300 }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    realm: `${origin}/auth`,
    origin,
    certificate: certificate.cert,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
