import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { forges } from '../admin/checkPush.ts';
import { createReceivePush } from '../admin/receivePush.ts';
import { receiveReload } from '../admin/receiveReload.ts';
import { revisionFacts } from '../admin/revisionFacts.ts';
import { refuse, sendJson } from '../http/answer.ts';
import { assertBearer, assertLoopback } from '../http/bearer.ts';
import { Refusal } from '../http/refusal.ts';
import type { ReloadStatus } from '../load/reloadStatus.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { hasTag, type Waiting, waitOf } from './longPoll.ts';

export type BundleServerOptions = {
  published: (form: Form) => Published | null;
  waiting: Readonly<Record<Form, Waiting>>;
  /** Bearer token of everything but health; null on loopback without one. */
  token: string | null;
  webhook: { secret: string; branch: string } | null;
  /** The configured address, which holds no credentials. */
  source: string;
  startedMs: number;
  status: () => Pick<ReloadStatus, 'state' | 'lastError'>;
  reload: (force: boolean) => Promise<unknown>;
  closing: () => boolean;
  onFailure: (error: unknown) => void;
};

/** Where OPA looks for bundles of these names unless told otherwise. */
export const bundlePaths: Readonly<Record<Form, string>> = {
  wasm: '/bundles/grantgate',
  rego: '/bundles/grantgate-rego',
};
/** By this type a client knows that its requests can be held; what it names is a gzipped tar archive all the same. */
const longPollType = 'application/vnd.openpolicyagent.bundles';
/** A reader that takes nothing for so long is let go. */
const stalledMs = 60_000;
const mostWaiting = 20_000;

/** Answers OPA's bundle protocol, and operators' questions about it. */
export function createBundleServer(options: BundleServerOptions): RequestListener {
  const { published, token, waiting } = options;
  type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown;
  const handlers: Record<string, Handler> = {
    [`GET ${bundlePaths.wasm}`]: (request, response) => sendBundle(options, 'wasm', request, response),
    [`GET ${bundlePaths.rego}`]: (request, response) => sendBundle(options, 'rego', request, response),
    'GET /health/live': (_request, response) => sendJson(response, 200, { status: 'ok' }),
    'GET /health/ready': (_request, response) => {
      const current = published('wasm');
      const status = options.closing() ? 'draining' : current === null ? 'no-bundle' : 'ok';
      sendJson(response, status === 'ok' ? 200 : 503, {
        status,
        revision: current?.revision ?? null,
        waiting: waiting.wasm.size + waiting.rego.size,
        // Anybody may ask this; what is wrong with which grant is for the log and for those with a token.
        bundle: { state: options.status().state, error: options.status().lastError?.code ?? null },
      });
    },
    'GET /revision': (_request, response) => {
      const current = published('wasm');
      if (current === null) throw new Refusal(503, 'no-bundle', 'No bundle is made yet.');
      sendJson(response, 200, revisionFacts(current, options));
    },
    'POST /reload': async (request, response, url) => {
      // A page in an operator's browser must not be able to press the button.
      if (request.headers.origin !== undefined)
        throw new Refusal(403, 'cross-site', 'Requests from browsers are refused.');
      await receiveReload(request, response, url, options.reload);
    },
  };
  const receivePush = createReceivePush();
  for (const forge of forges)
    handlers[`POST /webhooks/${forge}`] = async (request, response) => {
      const event = await receivePush(forge, request, options.webhook);
      if (event.kind === 'push') options.reload(false).catch(options.onFailure);
      sendJson(response, event.kind === 'push' ? 202 : 200, event);
    };
  const webhooks = new Set(forges.map((forge) => `POST /webhooks/${forge}`));
  /** Told to anybody, or signed. */
  const open = new Set(['GET /health/live', 'GET /health/ready', ...webhooks]);

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const url = URL.parse(request.url ?? '/', 'http://publish');
      if (url === null) throw new Refusal(400, 'target-malformed', 'The request target is no path.');
      const name = `${request.method === 'HEAD' ? 'GET' : request.method} ${url.pathname}`;
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (handler === undefined) throw new Refusal(404, 'not-found', 'There is nothing here.');
      if (token === null && !webhooks.has(name)) assertLoopback(request);
      if (token !== null && !open.has(name)) assertBearer(request, token, 'grantgate-bundles');
      await handler(request, response, url);
    } catch (error) {
      refuse(request, response, error, options.onFailure);
    }
  };
  return (request, response) => void answer(request, response);
}

async function sendBundle(
  { published, waiting, closing }: BundleServerOptions,
  form: Form,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const seconds = waitOf(request);
  const isNews = () => {
    const current = published(form);
    return current !== null && !hasTag(request, current.etag);
  };
  if (seconds > 0 && !isNews() && !closing()) {
    if (waiting[form].size >= mostWaiting)
      throw new Refusal(503, 'too-many-waiting', 'Too many requests are held.', { 'retry-after': '5' });
    await waiting[form].hold(response, seconds);
  }
  if (response.destroyed) return;
  const current = published(form);
  if (current === null) throw new Refusal(503, 'no-bundle', 'No bundle is made yet.', { 'retry-after': '1' });
  const headers = {
    etag: current.etag,
    'content-type': longPollType,
    'cache-control': 'private, no-cache',
    // Whoever was held until the end is to ask the next process.
    ...(closing() ? { connection: 'close' } : {}),
  };
  if (!isNews()) {
    response.writeHead(304, headers).end();
    return;
  }
  response.setTimeout(stalledMs, () => response.destroy());
  response.writeHead(200, { ...headers, 'content-length': String(current.archive.length) });
  response.end(request.method === 'HEAD' ? undefined : current.archive);
}

/** The signed bundle that everybody gets. */
export type Published = Pick<Snapshot, 'revision' | 'counter' | 'digest' | 'grants' | 'committedAt'> & {
  archive: Buffer;
  /** The archive's hash: the same commit and key give the same one, also after a restart. */
  etag: string;
  /** When it was first shown here, milliseconds since 1970. */
  loadedMs: number;
};

/** With the compiled policy, for gateways; or without, for OPA servers that have no WASM engine. */
export type Form = 'wasm' | 'rego';
