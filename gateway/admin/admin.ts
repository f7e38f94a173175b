import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dayOf, daySeconds, isDay } from '../../bundle/format/times.ts';
import type { Lapsed } from '../decision/lapse.ts';
import type { ExplainHere } from '../explain/explainHere.ts';
import { refuse, sendJson } from '../http/answer.ts';
import { assertBearer, assertLoopback } from '../http/bearer.ts';
import { readBody } from '../http/body.ts';
import { detailOf } from '../http/fault.ts';
import { Refusal } from '../http/refusal.ts';
import type { RecordFeed } from '../record/recordFeed.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { forges } from './checkPush.ts';
import { createReceivePush } from './receivePush.ts';
import { receiveReload } from './receiveReload.ts';
import { revisionFacts } from './revisionFacts.ts';
import { sendDecisions } from './sendDecisions.ts';

/** What the admin listener shows and does; each a function, so that it never holds a revision itself. */
export type AdminOptions = {
  /** Bearer token for everything but health and metrics; null on loopback without one. */
  token: () => string | null;
  webhook: () => { secret: string; branch: string } | null;
  snapshot: () => Snapshot | null;
  source: () => string;
  /** When the gateway started, milliseconds since 1970. */
  startedMs: number;
  /** Details for `/health/ready`: the reload's state and its last error. */
  status: () => unknown;
  draining: () => boolean;
  /** Why nobody may decide by the bundle in force; null when everybody may. */
  lapsed: () => Lapsed | null;
  /** Why no decision can be recorded; null while all can. */
  recordFault: () => Error | null;
  /** `force` lets a bundle through that was held, and from Git one that is older. */
  /** `pushed`: the Git host has just told of a push. */
  reload: (force: boolean, pushed?: boolean) => Promise<unknown>;
  metrics: () => Promise<{ contentType: string; text: string }>;
  /** The roll-ups from a day on, in pieces of text. */
  usage: (since: string) => Iterable<Buffer>;
  /** What was decided last, and is decided from now on. */
  decisions: RecordFeed;
  /** The public keys of assertions, or null when none are made. */
  jwks: () => string | null;
  explain: ExplainHere;
  now: () => number;
  onFailure: (error: unknown) => void;
};

const largestQuestion = 64 * 1024;

/** The listener for operators: health, metrics, revision, usage, decisions, reload and the push webhook. */
export function createAdmin(options: AdminOptions): Server {
  const handlers: Record<string, (request: IncomingMessage, response: ServerResponse, url: URL) => unknown> =
    {
      'GET /health/live': (_request, response) => sendJson(response, 200, { status: 'ok' }),
      'GET /health/ready': (_request, response) => ready(options, response),
      'GET /metrics': async (_request, response) => {
        const { contentType, text } = await options.metrics();
        response.writeHead(200, { 'content-type': contentType }).end(text);
      },
      'GET /revision': (_request, response) => {
        const snapshot = options.snapshot();
        if (snapshot === null) throw new Refusal(503, 'no-bundle', 'No bundle is loaded yet.');
        sendJson(response, 200, revisionFacts(snapshot, { ...options, source: options.source() }));
      },
      'GET /usage': async (_request, response, url) => {
        const since = url.searchParams.get('since') ?? dayOf(options.now() / 1000 - 120 * daySeconds);
        if (!isDay(since)) throw new Refusal(400, 'since-malformed', 'since must be a date like 2026-03-01.');
        const texts = options.usage(since);
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        // Whoever goes away in the middle need not be told.
        await pipeline(Readable.from(texts), response).catch(() => response.destroy());
      },
      'GET /decisions': (request, response, url) => {
        const token = options.token();
        sendDecisions(request, response, url, {
          feed: options.decisions,
          // A token that is no longer good ends what was opened by it.
          mayStay: () => options.token() === token,
        });
      },
      'GET /.well-known/jwks.json': (_request, response) => {
        const keys = options.jwks();
        if (keys === null) throw new Refusal(404, 'not-found', 'No assertions are made.');
        response.writeHead(200, {
          'content-type': 'application/json',
          'cache-control': 'public, max-age=60',
        });
        response.end(keys);
      },
      'POST /reload': (request, response, url) => receiveReload(request, response, url, options.reload),
      'POST /explain': async (request, response) => {
        const text = (await readBody(request, largestQuestion)).toString();
        sendJson(response, 200, await options.explain(jsonOf(text)));
      },
    };
  const receivePush = createReceivePush();
  for (const forge of forges)
    handlers[`POST /webhooks/${forge}`] = async (request, response) => {
      const event = await receivePush(forge, request, options.webhook());
      // The sender need not wait for the reload: what it wants to know is that the push arrived.
      if (event.kind === 'push') options.reload(false, true).catch(options.onFailure);
      sendJson(response, event.kind === 'push' ? 202 : 200, event);
    };
  const webhooks = forges.map((forge) => `POST /webhooks/${forge}`);
  // What others than this machine's own may ask for by another name: signed, or public.
  const addressed = new Set([...webhooks, 'GET /.well-known/jwks.json']);
  const open = new Set([
    'GET /health/live',
    'GET /health/ready',
    'GET /metrics',
    'GET /.well-known/jwks.json',
    ...webhooks,
  ]);

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const url = URL.parse(request.url ?? '/', 'http://admin');
      if (url === null) throw new Refusal(400, 'target-malformed', 'The request target is no path.');
      const name = `${request.method === 'HEAD' ? 'GET' : request.method} ${url.pathname}`;
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (handler === undefined) throw new Refusal(404, 'not-found', 'There is nothing here.');
      const token = options.token();
      if (token === null && !addressed.has(name)) assertLoopback(request);
      if (!open.has(name) && token !== null) assertBearer(request, token, 'grantgate-admin');
      // A page in an operator's browser must not be able to press the button.
      if (/^POST \/(?:reload|explain)$/.test(name) && request.headers.origin !== undefined) {
        throw new Refusal(403, 'cross-site', 'Requests from browsers are refused.');
      }
      await handler(request, response, url);
    } catch (error) {
      refuse(request, response, error, options.onFailure);
    }
  };
  return createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000 },
    (request, response) => void answer(request, response),
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'question-malformed', 'The body must be JSON.');
  }
}

/**
 * Ready while a bundle is in force that may decide, also an old one: the details say when the newest cannot be loaded; and
 * while decisions can be recorded, as nobody gets through without.
 */
function ready(options: AdminOptions, response: ServerResponse): void {
  const snapshot = options.snapshot();
  const draining = options.draining();
  const fault = options.recordFault();
  const missing =
    snapshot === null ? 'no-bundle' : (options.lapsed() ?? (fault === null ? null : 'record-unwritable'));
  sendJson(response, missing !== null || draining ? 503 : 200, {
    status: draining ? 'draining' : (missing ?? 'ok'),
    revision: snapshot?.revision ?? null,
    bundle: options.status(),
    records:
      fault === null
        ? { state: 'ok' }
        : { state: 'failing', message: fault.message, cause: detailOf(fault.cause) },
  });
}
