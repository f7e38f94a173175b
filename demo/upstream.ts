import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMapping } from '../bundle/format/isMapping.ts';
import { readCapped } from '../bundle/format/readCapped.ts';
import { type Resource, seedCollection } from './upstreamSeeds.ts';
import { createStreams, sendEvents, sendExport } from './upstreamStreams.ts';

export type UpstreamOptions = {
  /** The API's name, in every answer as `x-upstream`. */
  api: string;
  port?: number;
  /** Paths that take WebSockets; those ending in `/stream` when left out. */
  webSocketPaths?: readonly string[];
  /** Milliseconds between the events of a stream; 1,000 when left out. */
  everyMs?: number;
};

export type Received = {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingMessage['headers'];
};

export type Upstream = {
  api: string;
  url: string;
  /** The newest requests, upgrades too, oldest first. */
  requests: readonly Received[];
  /** Stops listening and closes every socket, WebSockets too. */
  close: () => Promise<void>;
};

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

const mostRequests = 1000;
const mostEntries = 1000;
const mostCollections = 100;
const mostBody = 64 * 1024;
const longestWaitMs = 60_000;

/** Who the gateway says is calling, for people to see what an upstream learns. */
function identityOf(request: IncomingMessage): Record<string, unknown> {
  const header = (name: string) => request.headers[`x-grantgate-${name}`];
  return {
    subject: header('subject') ?? null,
    groups: header('groups') ?? null,
    grants: header('grants') ?? null,
    decision: header('decision') ?? null,
    assertion: header('assertion') !== undefined,
  };
}

async function readObject(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  const body = await readCapped(request, mostBody);
  if (body === null) return null;
  try {
    const value: unknown = JSON.parse(body.toString() || '{}');
    return isMapping(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Collections under `/v1/`, each seeded when first asked for, kept in memory. */
function createCollections(): (request: IncomingMessage, path: string) => Promise<Answer> {
  const collections = new Map<string, Map<string, Resource>>();
  let made = 0;
  const open = (name: string) => {
    const known = collections.get(name);
    if (known !== undefined) return known;
    const entries = new Map(seedCollection(name).map((entry) => [entry.id, entry]));
    if (collections.size < mostCollections) collections.set(name, entries);
    return entries;
  };
  const missing: Answer = { status: 404, body: { error: 'not found' } };

  return async (request, path) => {
    const [, version, name = '', id, ...rest] = path.split('/');
    if (version !== 'v1' || !/^[a-z][a-z0-9-]{0,40}$/.test(name) || rest.length > 0) return missing;
    const entries = open(name);
    const received = identityOf(request);
    const body = ['POST', 'PUT', 'PATCH'].includes(request.method ?? '') ? await readObject(request) : {};
    if (body === null)
      return { status: 400, body: { error: 'a JSON object of at most 64 KiB was expected' } };
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (id === undefined || id === '') {
      if (reads) return { status: 200, body: { items: [...entries.values()], received } };
      if (request.method !== 'POST') return { status: 405, body: { error: 'method not allowed' } };
      if (entries.size >= mostEntries) return { status: 507, body: { error: 'the collection is full' } };
      const entry = { ...body, id: `new-${++made}` };
      entries.set(entry.id, entry);
      return { status: 201, body: { ...entry, received }, headers: { location: `/v1/${name}/${entry.id}` } };
    }
    const entry = entries.get(id);
    if (entry === undefined) return missing;
    if (reads) return { status: 200, body: { ...entry, received } };
    if (request.method === 'DELETE') {
      entries.delete(id);
      return { status: 204 };
    }
    if (request.method !== 'PUT' && request.method !== 'PATCH')
      return { status: 405, body: { error: 'method not allowed' } };
    const changed = { ...(request.method === 'PATCH' ? entry : {}), ...body, id };
    entries.set(id, changed);
    return { status: 200, body: { ...changed, received } };
  };
}

/** Starts an API on 127.0.0.1: REST collections under `/v1/`, `…/slow`, `…/export`, `…/events` and WebSockets. */
export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const { api, everyMs = 1000 } = options;
  const requests: Received[] = [];
  const streams = createStreams(everyMs);
  const collections = createCollections();
  const isStream = (path: string) => options.webSocketPaths?.includes(path) ?? path.endsWith('/stream');
  const keep = (request: IncomingMessage) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    if (requests.length > mostRequests) requests.shift();
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    keep(request);
    const url = URL.parse(request.url ?? '', 'http://upstream.invalid');
    const path = url?.pathname ?? '';
    const number = (name: string, otherwise: number, most: number) => {
      const value = Number(url?.searchParams.get(name) ?? otherwise);
      return Number.isFinite(value) && value >= 0 ? Math.min(value, most) : otherwise;
    };
    response.setHeader('x-upstream', api);
    const subject = request.headers['x-grantgate-subject'];
    if (typeof subject === 'string') response.setHeader('x-received-subject', subject);
    if (request.method === 'GET' && path.endsWith('/events')) return sendEvents(response, everyMs);
    if (request.method === 'GET' && path.endsWith('/export'))
      return sendExport(response, number('lines', 1000, 10_000_000), number('every', 20, longestWaitMs));
    const wait = path.endsWith('/slow') ? number('ms', 2000, longestWaitMs) : 0;
    if (wait > 0) await sleep(wait);
    const { status, body, headers } = path.endsWith('/slow')
      ? { status: 200, body: { waitedMs: wait, received: identityOf(request) }, headers: {} }
      : isStream(path)
        ? { status: 426, body: { error: 'this is a WebSocket' }, headers: { upgrade: 'websocket' } }
        : await collections(request, path);
    if (response.destroyed) return;
    const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
    response.writeHead(status, {
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...headers,
    });
    response.end(request.method === 'HEAD' ? '' : text);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    keep(request);
    socket.on('error', () => socket.destroy());
    const path = URL.parse(request.url ?? '', 'http://upstream.invalid')?.pathname ?? '';
    if (isStream(path)) streams.upgrade(request, socket, head);
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', () => done());
  });
  return {
    api,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      streams.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
