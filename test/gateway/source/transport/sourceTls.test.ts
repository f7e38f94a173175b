import * as assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlain, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Bundle } from '../../../../bundle/archive/bundle.ts';
import { gitTree } from '../../../../bundle/git/tree.ts';
import { evaluateWasm } from '../../../../gateway/decision/evaluator.ts';
import { parseSource } from '../../../../gateway/source/contract/parseSource.ts';
import type { Source } from '../../../../gateway/source/contract/source.ts';
import { gitSource } from '../../../../gateway/source/git/gitSource.ts';
import { httpsSource } from '../../../../gateway/source/httpsSource.ts';
import { openSource } from '../../../../gateway/source/openSource.ts';
import type { TlsFiles } from '../../../../gateway/source/transport/openConnections.ts';
import { suite } from '../../../_suite.ts';
import { keyPair } from '../../../bundle/_opa.ts';
import { runGit, type SampleTree, sampleTree } from '../../../bundle/_organisation.ts';
import { type Certificate, makeCertificate } from '../../_certificates.ts';
import { answerAsGitHost } from '../_gitHost.ts';

const test = suite('sources behind TLS');

const authority = makeCertificate({ subject: [['CN', 'ours']], authority: true });
const stranger = makeCertificate({ subject: [['CN', 'theirs']], authority: true });
const serverOf = (issuer: Certificate) =>
  makeCertificate({ subject: [['CN', 'bundles']], issuer, ips: ['127.0.0.1'], usage: 'server' });
const clientOf = (name: string, issuer: Certificate) => makeCertificate({ subject: [['CN', name]], issuer });

let folder: string;
let tree: SampleTree;
let server: Server;
let origin: string;
let asked: string[] = [];
let respond: RequestListener;
const sources: Source[] = [];

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-tls-'));
  tree = await sampleTree({}, { git: true });
  const certificates = {
    gw: clientOf('gw', authority),
    next: clientOf('next', authority),
    other: clientOf('gw', stranger),
  };
  for (const [name, { cert, key }] of Object.entries(certificates)) {
    await writeFile(join(folder, `${name}.pem`), cert);
    await writeFile(join(folder, `${name}-key.pem`), key);
  }
  await writeFile(join(folder, 'ca.pem'), authority.cert);
  await writeFile(join(folder, 'other-ca.pem'), stranger.cert);
  const { cert, key } = serverOf(authority);
  server = createServer(
    { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      asked.push(callerOf(request));
      respond(request, response);
    },
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.before.each(() => {
  asked = [];
  respond = (_, response) => response.end('<one>');
});
test.after.each(async () => {
  for (const source of sources.splice(0)) await source.close();
});
test.after(async () => {
  server.closeAllConnections();
  server.close();
  await tree.remove();
  await rm(folder, { recursive: true, force: true });
});

/** The name in the certificate that came with a request. */
const callerOf = ({ socket }: IncomingMessage): string => {
  const { subject } = socket instanceof TLSSocket ? socket.getPeerCertificate() : {};
  return String(subject?.CN ?? 'nobody');
};
const at = (name: string) => join(folder, name);
const as = (name: string): TlsFiles => ({
  identity: { cert: at(`${name}.pem`), key: at(`${name}-key.pem`) },
  ca: at('ca.pem'),
});
const open = (tls: TlsFiles, redirectOrigins: string[] = []): Source => {
  const verify = async (bytes: Buffer) => ({ revision: bytes.toString() }) as Bundle;
  const source = httpsSource({
    url: `${origin}/bundle.tar.gz`,
    verify,
    tls,
    redirectOrigins,
    timeoutMs: 5000,
  });
  sources.push(source);
  return source;
};
const take = async (source: Source) => {
  const found = await source.next({ signal: new AbortController().signal });
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};

test('shows its certificate to a server that its authority signed', async () => {
  assert.equal(await take(open(as('gw'))), '<one>');
  assert.deepEqual(asked, ['gw']);
});

test('is configured with files like any source', async () => {
  const source = openSource(
    {
      url: `${origin}/bundle.tar.gz`,
      stateFolder: folder,
      verifyKeyPem: keyPair('ec').open,
      tls: as('next'),
    },
    { evaluator: evaluateWasm },
  );
  sources.push(source);
  await assert.rejects(take(source), { code: /^archive-/ });
  assert.deepEqual(asked, ['next']);
});

test('is refused without a certificate or with one that another authority signed', async () => {
  // Some servers say why, this one hangs up.
  for (const tls of [{ ca: at('ca.pem') }, as('other')])
    await assert.rejects(take(open(tls)), { code: /^source-un(?:reachable|authorized)$/ });
  assert.deepEqual(asked, []);
});

test('refuses a server that its authority did not sign, before anything is asked', async () => {
  for (const tls of [
    { ...as('gw'), ca: at('other-ca.pem') },
    { ...as('gw'), ca: undefined },
  ])
    await assert.rejects(take(open(tls)), { code: 'source-unreachable' });
  assert.deepEqual(asked, []);
});

test('refuses files that are none, and a key of another certificate', async () => {
  for (const tls of [
    { identity: { cert: at('gw.pem'), key: at('next-key.pem') } },
    { identity: { cert: at('nothing.pem'), key: at('gw-key.pem') } },
    { ca: at('gw-key.pem') },
  ])
    await assert.rejects(take(open(tls)), { code: 'source-invalid' });
});

test('takes a new certificate into use where it lies, and goes on with the old one while it is half written', async () => {
  await writeFile(at('now.pem'), await readFile(at('gw.pem')));
  await writeFile(at('now-key.pem'), await readFile(at('gw-key.pem')));
  const source = open(as('now'));
  await take(source);
  await writeFile(at('now.pem'), await readFile(at('next.pem')));
  await take(source);
  await writeFile(at('now-key.pem'), await readFile(at('next-key.pem')));
  await take(source);
  assert.deepEqual(asked, ['gw', 'gw', 'next']);
});

test('does not show its certificate where the server sends it on to', async () => {
  let reached = 0;
  const seen: string[] = [];
  const { cert, key } = serverOf(authority);
  const store = createServer(
    { cert, key, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      reached += 1;
      seen.push(callerOf(request));
      response.end('<stored>');
    },
  );
  await new Promise<void>((listening) => store.listen(0, '127.0.0.1', listening));
  const elsewhere = `https://127.0.0.1:${(store.address() as AddressInfo).port}`;
  respond = (_, response) => response.writeHead(302, { location: `${elsewhere}/asset` }).end();
  try {
    await assert.rejects(take(open(as('gw'))), { code: 'source-redirected' });
    assert.equal(reached, 0);
    assert.equal(await take(open(as('gw'), [elsewhere])), '<stored>');
    assert.deepEqual(seen, ['nobody']);
  } finally {
    store.closeAllConnections();
    store.close();
  }
});

test('goes from https to http for nobody', async () => {
  const plain = createPlain((_, response) => response.end('<plain>'));
  await new Promise<void>((listening) => plain.listen(0, '127.0.0.1', listening));
  const { port } = plain.address() as AddressInfo;
  respond = (_, response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
  await assert.rejects(take(open(as('gw'))), { code: 'source-redirected' });
  plain.closeAllConnections();
  plain.close();
});

test('clones over TLS with the same files, and is refused without them', async () => {
  respond = (request, response) => answerAsGitHost(tree.root, request, response);
  const from = (tls: TlsFiles | null, state: string) => {
    const address = parseSource(`git+${origin}/grants.git#main`);
    assert.ok(address.kind === 'git');
    return gitSource({
      address,
      stateFolder: at(state),
      ...(tls === null ? {} : { tls }),
      assemble: async (repository, commit) =>
        ({ revision: (await gitTree(repository, commit)).revision }) as Bundle,
    });
  };
  assert.equal(await take(from(as('gw'), 'good')), runGit(tree.root, 'rev-parse', 'HEAD').trim());
  for (const [index, tls] of [null, { ca: at('ca.pem') }, { ...as('gw'), ca: at('other-ca.pem') }].entries())
    await assert.rejects(take(from(tls, `bad-${index}`)), { code: 'source-unreachable' });
});
