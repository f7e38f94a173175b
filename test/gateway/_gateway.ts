import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../gateway/config/config.ts';
import type { DecisionRecord, Heartbeat, StreamClosed } from '../../gateway/record/record.ts';
import { type Gateway, serve } from '../../gateway/serve.ts';
import { until } from '../_until.ts';
import { type SampleTree, sampleTree } from '../bundle/_organisation.ts';
import { type Issuer, startIssuer } from './_issuer.ts';
import { wholeAnswers } from './_wholeAnswers.ts';
import { startWarmLoader } from './load/_warmLoader.ts';

/** One request as an upstream got it. */
export type Received = { method: string; url: string; headers: Record<string, string[]>; body: string };

/** An upstream that keeps what it got and answers as told. */
export type Upstream = {
  url: string;
  received: Received[];
  /** Answers from now on; by default 200 with a small JSON. */
  answer: (handler: Parameters<typeof createServer>[1] | null) => void;
  server: Server;
  close: () => Promise<void>;
};

export async function startUpstream(): Promise<Upstream> {
  const received: Received[] = [];
  let handler: Parameters<typeof createServer>[1] | null = null;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (handler !== null) return void (handler as (a: unknown, b: unknown) => void)(request, response);
    void collect(request).then((body) => {
      received.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: headersOf(request),
        body,
      });
      response.setHeader('content-type', 'application/json');
      response.end('{"ok":true}');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (next) => {
      handler = next;
    },
    server,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function collect(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

function headersOf({ rawHeaders }: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    headers[name] = [...(headers[name] ?? []), rawHeaders[index + 1] ?? ''];
  }
  return headers;
}

/** A gateway over a real Git repository of the sample organisation, with an issuer and an upstream of its own. */
export type World = {
  gateway: Gateway;
  upstream: Upstream;
  issuer: Issuer;
  tree: SampleTree;
  folder: string;
  /** Milliseconds; what the gateway takes for now. Tests move it. */
  clock: { now: number };
  /** Milliseconds that have passed for the gateway, on a clock that nobody sets. Tests let them pass. */
  passed: { ms: number };
  get: (
    path: string,
    init?: RequestInit & { as?: string; claims?: Record<string, unknown> },
  ) => Promise<Response>;
  /** Commits files and makes the gateway look; resolves when it has. */
  push: (files: Record<string, string | null>) => Promise<unknown>;
  records: () => Promise<DecisionRecord[]>;
  /** The records of streams that were closed. */
  closings: () => Promise<StreamClosed[]>;
  metrics: () => Promise<string>;
  close: () => Promise<void>;
};

export const office = 'office: [127.0.0.0/8]\nvpn: [198.51.100.0/24]\n';

type Options = {
  /** The API's limit; the sample's when left out. */
  rate?: string;
  config?: Record<string, unknown>;
  files?: Record<string, string | null>;
  commit?: boolean;
  /** With a loader thread of its own, as it is served by the command line. */
  ownLoader?: boolean;
};

export async function startWorld({
  rate = '600/min',
  config = {},
  files = {},
  commit = true,
  ownLoader = false,
}: Options = {}): Promise<World> {
  const clock = { now: Date.parse('2026-11-23T10:00:00Z') };
  const now = () => clock.now;
  const passed = { ms: 0 };
  const upstream = await startUpstream();
  const issuer = await startIssuer({ now });
  const tree = await sampleTree({}, { git: true });
  const orders = (await readFile(join(tree.root, 'grants/apis/orders.yaml'), 'utf8'))
    .replace('http://orders.internal:8080', upstream.url)
    .replace('600/min', rate)
    .concat('\nassertion: true\n');
  // Nothing listens on the discard port.
  const payments = (await readFile(join(tree.root, 'grants/apis/payments.yaml'), 'utf8')).replace(
    'https://payments.internal',
    'http://127.0.0.1:9',
  );
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-gateway-'));
  const own = { 'grants/apis/orders.yaml': orders, 'grants/apis/payments.yaml': payments };
  if (commit) await tree.commit({ ...own, 'grants/networks.yaml': office, ...files });
  const gateway = await serve({
    config: parseConfig(
      {
        listen: { port: 0 },
        admin: { port: 0 },
        state: 'state',
        issuers: [{ issuer: issuer.url, audience: 'grantgate' }],
        log: { level: 'silent' },
        ...config,
        bundle: { source: `git+file://${tree.root}#main`, poll: '1h', ...(config.bundle as object) },
      },
      join(folder, 'gateway.yaml'),
    ),
    now,
    elapsed: () => passed.ms,
    ...(ownLoader ? {} : { startLoader: startWarmLoader }),
  });
  const reload = () => fetch(`${gateway.admin}/reload`, { method: 'POST' });
  let asked = 0;
  /** Whether it has looked at its source, and enforces what it found or says why not, which it is seldom asked. */
  const firstLook = async () => {
    asked += 1;
    if (gateway.revision() !== null || asked % 20 !== 0) return gateway.revision() !== null;
    return (await (await fetch(`${gateway.admin}/health/ready`)).text()).includes('"lastError"');
  };
  if (commit) await until(firstLook);
  return {
    gateway,
    upstream,
    issuer,
    tree,
    folder,
    clock,
    passed,
    get: async (path, { as = 'ann@example.com', claims = {}, ...init } = {}) => {
      const token = await issuer.token({ sub: as, amr: ['mfa'], ...claims });
      return fetch(`${gateway.url}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${token}`,
          ...(init.headers as Record<string, string> | undefined),
        },
      });
    },
    push: async (changed) => {
      await tree.commit(changed);
      return (await reload()).json();
    },
    records: async () =>
      (await entries(folder)).filter(
        (entry) => !('heartbeat' in entry) && !('event' in entry),
      ) as DecisionRecord[],
    closings: async () => (await entries(folder)).filter((entry) => 'event' in entry),
    metrics: async () => (await fetch(`${gateway.admin}/metrics`)).text(),
    close: async () => {
      await gateway.close();
      await upstream.close();
      await issuer.close();
      await tree.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function entries(folder: string): Promise<(DecisionRecord | StreamClosed | Heartbeat)[]> {
  const home = join(folder, '.grantgate/decisions/gw-1');
  const names = (await readdir(home)).filter((name) => name.endsWith('.ndjson')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(home, name), 'utf8')));
  const lines = texts.join('').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** A service in directory/services.yaml that is known by an API key, `gg_NAME_SECRET`, and by `more`. */
export const serviceEntry = (
  name: string,
  secret: string,
  { state = 'active', more = '' }: { state?: 'active' | 'disabled'; more?: string } = {},
): string => `  - name: ${name}
    owner: group:billing
    state: ${state}
    credentials:
      - api_key_sha256: "${createHash('sha256').update(secret).digest('hex')}"
${more === '' ? '' : `      - ${more}\n`}`;

/** An upstream's answer to {@link handshake}. */
export const switched =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

/** A WebSocket's first words to the orders API. */
export const handshake = (token: string): string =>
  [
    'GET /orders/v1/orders HTTP/1.1',
    'Host: a',
    `Authorization: Bearer ${token}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '',
  ].join('\r\n');

/**
 * Sends bytes on a fresh connection and gives back all that came until it ended. Once so many answers are whole it says
 * that nothing more will be sent, by which one that is kept open ends too; with `Infinity` the gateway has to end it.
 */
export function raw(url: string, bytes: string | Buffer, answers = 1): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    // For a machine that is busy with other things.
    const timer = setTimeout(() => {
      socket.destroy();
      fail(new Error(`the connection did not end; what came: ${text}`));
    }, 120_000);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!socket.writableEnded && wholeAnswers(text) >= answers) socket.end();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      done(text);
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? done(text) : fail(error),
    );
  });
}
