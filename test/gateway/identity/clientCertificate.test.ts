import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { ConfigError } from '../../../gateway/config/config.ts';
import { openTls } from '../../../gateway/http/tls.ts';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { type Certificate, makeCertificate, thumbprint } from '../_certificates.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('clientCertificate');
const authority = makeCertificate({ subject: [['CN', 'Example services']], authority: true });
const stranger = makeCertificate({ subject: [['CN', 'Example services']], authority: true });
const server = makeCertificate({
  subject: [['CN', 'gateway']],
  issuer: authority,
  ips: ['127.0.0.1'],
  usage: 'server',
});
const client = (options: Partial<Parameters<typeof makeCertificate>[0]> = {}) =>
  makeCertificate({ subject: [['CN', 'nobody']], issuer: authority, ...options });
const invoicer = client({ uris: ['spiffe://example.com/invoicer'] });

const servicesPath = 'grants/directory/services.yaml';
const services = (...credentials: string[]) => ({
  [servicesPath]: `${sampleFiles[servicesPath]?.split('      - jwt_subject')[0]}${credentials.map((one) => `      - ${one}\n`).join('')}`,
});
const known = services(
  'spiffe_id: spiffe://example.com/invoicer',
  'certificate_uri: urn:example:invoicer',
  'certificate_dns: invoicer.internal',
  'certificate_subject: "C=DE, O=Example, CN=invoicer"',
);

let folder: string;
let world: World;
/** One for all; what moves its clock comes last and has another one. */
async function start(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'grantgate-tls-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const tls = {
    cert: file('cert.pem', server.cert),
    key: file('key.pem', server.key),
    client_ca: file('ca.pem', authority.cert),
  };
  const limits = { failed_logins: 1000 };
  world = await startWorld({ config: { listen: { port: 0, tls }, limits }, files: known });
}
async function stop(): Promise<void> {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
}
test.before(start);
test.before.each(() => {
  world.upstream.received.length = 0;
});
test.after(stop);

type Answer = { status: number; code: string; headers: IncomingHttpHeaders };
function ask(
  shown: Certificate | null,
  headers: Record<string, string> = {},
  options: SecureContextOptions = {},
): Promise<Answer> {
  const own = shown === null ? {} : { cert: shown.cert, key: shown.key };
  return new Promise((done, fail) => {
    const url = `${world.gateway.url}/orders/v1/orders`;
    const request = httpsRequest(url, { ca: authority.cert, agent: false, headers, ...own, ...options });
    request.on('error', fail);
    request.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const { code = '' } = JSON.parse(text);
        done({ status: response.statusCode ?? 0, code, headers: response.headers });
      });
    });
    request.end();
  });
}
const lastSubject = () => world.upstream.received.at(-1)?.headers['x-grantgate-subject'];

test('a service is known by the names its certificate holds: SPIFFE id, URI, DNS name, subject', async () => {
  const subject = {
    subject: [
      ['C', 'DE'],
      ['O', 'Example'],
      ['CN', 'invoicer'],
    ],
  } as const;
  const good = [
    invoicer,
    client({ uris: ['urn:example:invoicer'] }),
    client({ dns: ['Invoicer.internal', 'other.internal'] }),
    client({ subject: subject.subject.map(([part, value]) => [part, value]) }),
  ];
  for (const shown of good) {
    const { status } = await ask(shown);
    assert.equal(status, 200);
    assert.deepEqual(lastSubject(), ['service:invoicer']);
  }
  const bad = [
    client(),
    client({ uris: ['spiffe://example.com/invoicer/more'] }),
    client({ uris: ['spiffe://example.com/invoicer', 'urn:example:invoicer'] }),
    client({ dns: ['x, URI:spiffe://example.com/invoicer'] }),
    client({ dns: ['*.internal'] }),
    client({ subject: [['CN', 'invoicer']] }),
    client({ subject: [['CN', 'C=DE, O=Example, CN=invoicer']] }),
    client({ subject: [['C', 'DE, O=Example, CN=invoicer']] }),
    client({ subject: [['C', 'DE\nO=Example\nCN=invoicer']] }),
  ];
  for (const [index, shown] of bad.entries()) {
    const { status, code } = await ask(shown);
    assert.deepEqual([status, code], [401, 'credentials-invalid'], `certificate ${index}`);
  }
});

test('a certificate of another authority, for servers, past or future proves nothing', async () => {
  const uris = ['spiffe://example.com/invoicer'];
  const bad = {
    'another authority of the same name': client({ uris, issuer: stranger }),
    'signed by itself': makeCertificate({ subject: [['CN', 'Example services']], uris }),
    'signed by a service': client({ uris, issuer: invoicer }),
    'for servers': client({ uris, usage: 'server' }),
    expired: client({ uris, to: '20210101000000Z' }),
    'not yet valid': client({ uris, from: '21190101000000Z' }),
  };
  for (const [what, shown] of Object.entries(bad)) {
    const { status, code, headers } = await ask(shown);
    assert.deepEqual([status, code], [401, 'certificate-invalid'], what);
    assert.match(String(headers['www-authenticate']), /ClientCertificate realm="grantgate"/);
  }
  assert.equal((await ask(invoicer)).status, 200);
  assert.equal(world.upstream.received.length, 1);
});

test('without a certificate a token does, and with one a token says who calls', async () => {
  const token = await world.issuer.token({ amr: ['mfa'] });
  const bearer = { authorization: `Bearer ${token}` };
  for (const shown of [null, invoicer, client({ issuer: stranger })]) {
    assert.equal((await ask(shown, bearer)).status, 200);
    assert.deepEqual(lastSubject(), ['user:ann@example.com']);
  }
  const nobody = await ask(null);
  assert.deepEqual([nobody.status, nobody.code], [401, 'credentials-missing']);
  assert.equal(
    nobody.headers['www-authenticate'],
    'Bearer realm="grantgate", ApiKey realm="grantgate", ClientCertificate realm="grantgate"',
  );
  // A bad token is not made good by the certificate.
  assert.equal((await ask(invoicer, { authorization: 'Bearer x.y.z' })).status, 401);
  assert.equal((await ask(invoicer, { authorization: 'Basic eDp5' })).status, 401);
});

test('what a client says of its certificate in headers is no proof, and goes no further', async () => {
  const said = {
    'x-forwarded-client-cert': 'By=spiffe://x;URI=spiffe://example.com/invoicer',
    X_Forwarded_Client_Cert: 'URI=spiffe://example.com/invoicer',
    'client-cert': ':AAAA:',
    'Client-Cert-Chain': ':AAAA:',
    'x-client-cert': 'x',
    'ssl-client-verify': 'SUCCESS',
    'x-ssl-client-s-dn': 'CN=invoicer',
    'x-amzn-mtls-clientcert': 'x',
    'x-arr-clientcert': 'x',
    'x-spiffe-id': 'spiffe://example.com/invoicer',
  };
  assert.equal((await ask(null, said)).status, 401);
  assert.equal((await ask(invoicer, said)).status, 200);
  const headers = world.upstream.received.at(-1)?.headers ?? {};
  for (const name of Object.keys(said)) assert.equal(headers[name.toLowerCase()], undefined, name);
  assert.deepEqual(headers['x-forwarded-proto'], ['https']);
});

test('a token bound to a certificate is good over its connection only', async () => {
  const bound = await world.issuer.token({ amr: ['mfa'], cnf: { 'x5t#S256': thumbprint(invoicer) } });
  const authorization = `Bearer ${bound}`;
  assert.equal((await ask(invoicer, { authorization })).status, 200);
  for (const shown of [null, client({ uris: ['spiffe://example.com/invoicer'] })])
    assert.deepEqual((await ask(shown, { authorization })).code, 'token-invalid');
  for (const cnf of [{ jkt: 'x' }, {}, 'x', { 'x5t#S256': thumbprint(invoicer), jkt: 'x' }]) {
    const other = await world.issuer.token({ amr: ['mfa'], cnf });
    assert.equal((await ask(invoicer, { authorization: `Bearer ${other}` })).code, 'token-invalid');
  }
});

test('what is no TLS, and old TLS, gets no answer; a shutdown waits for no handshake', async () => {
  const { hostname, port } = new URL(world.gateway.url);
  const plain = await new Promise<string>((done) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => done(text));
  });
  assert.ok(!plain.includes('HTTP/1.1'), plain);
  await assert.rejects(ask(invoicer, {}, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }));
  assert.equal((await ask(invoicer, {}, { maxVersion: 'TLSv1.2' })).status, 200);
  const silent = connect(Number(port), hostname);
  silent.on('error', () => undefined);
  await new Promise((done) => silent.once('connect', done));
  const gone = new Promise((done) => silent.once('close', done));
  await world.gateway.close();
  await gone;
});

test('new files are served to new connections; files that do not fit change nothing', async () => {
  const at = (name: string) => join(folder, name);
  const failures: unknown[] = [];
  const files = { cert: at('cert.pem'), key: at('key.pem'), client_ca: at('ca.pem') };
  const config = { listen: { host: '127.0.0.1', port: 0, tls: files }, limits: { headers_timeout: 1000 } };
  const tls = openTls(config as never, (error) => failures.push(error));
  assert.ok(tls);
  const listener = tls.createServer({}, (_request, response) => response.end());
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  const served = () =>
    new Promise<string>((done, fail) => {
      const { port } = listener.address() as { port: number };
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        done(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      });
      socket.once('error', fail);
    });
  const before = await served();
  assert.equal(tls.refresh(), false);
  const next = makeCertificate({ subject: [['CN', 'gateway']], issuer: authority, usage: 'server' });
  writeFileSync(files.cert, next.cert);
  assert.equal(tls.refresh(), false);
  assert.equal(failures.length, 1);
  assert.equal(await served(), before);
  writeFileSync(files.key, next.key);
  assert.equal(tls.refresh(), true);
  assert.notEqual(await served(), before);
  await new Promise((done) => listener.close(done));
  writeFileSync(files.client_ca, 'nothing');
  assert.throws(() => openTls(config as never, () => undefined), ConfigError);
});

test('a connection outlives neither its certificate nor the service it stands for', async () => {
  await stop();
  await start();
  const sockets = new WebSocketServer({ server: world.upstream.server });
  const open = (headers = {}) =>
    new Promise<WebSocket>((done, fail) => {
      const url = `${world.gateway.url.replace('https', 'wss')}/orders/v1/orders`;
      const socket = new WebSocket(url, {
        ca: authority.cert,
        cert: invoicer.cert,
        key: invoicer.key,
        headers,
      });
      socket.once('open', () => done(socket));
      socket.once('error', fail);
    });
  const closed = (socket: WebSocket) => new Promise<number>((done) => socket.once('close', done));
  const byCertificate = await open();
  const token = await world.issuer.token({ amr: ['mfa'] });
  const byToken = await open({ authorization: `Bearer ${token}` });
  const code = closed(byCertificate);
  await world.push(services('spiffe_id: spiffe://example.com/another'));
  assert.equal(await code, 1008);
  assert.equal((await ask(invoicer)).status, 401);
  assert.equal(byToken.readyState, WebSocket.OPEN);
  byToken.terminate();

  await world.push(known);
  const again = await open();
  const ended = closed(again);
  world.clock.now = Date.parse('2120-01-01T00:00:01Z');
  assert.equal(await ended, 1008);
  assert.equal((await ask(invoicer)).code, 'certificate-invalid');
  sockets.close();
});
