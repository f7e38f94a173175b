import type { IncomingMessage, ServerResponse } from 'node:http';
import { html } from '../page/html.ts';
import { guard, Refused } from './guard.ts';
import { filterOf, pages, type Sources } from './pages.ts';
import { streamDecisions } from './streamDecisions.ts';
import { frame, policy, type Standing } from './views/frame.ts';

type Options = {
  sources: Sources;
  /** What browsers must show; null: none. */
  token: string | null;
  /** Is told of what goes wrong and is no refusal. */
  onFailure: (error: unknown) => void;
};

type Page = { status: number; text: string; headers?: Readonly<Record<string, string>> };

const mostStreams = 8;

/** What every answer says: it is for this page alone, and nobody keeps it. */
const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Answers requests with pages of the console; `answer` never rejects. */
export function createAnswer({ sources, token, onFailure }: Options) {
  const { state, gateways, adminToken } = sources;
  let streams = 0;

  const stream = async (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => {
    if (gateways.length === 0) throw new Refused(404, 'No gateway was named.');
    const filter = filterOf(query);
    if (streams >= mostStreams) throw new Refused(503, 'Several pages follow already.');
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    if (request.method === 'HEAD') return void response.end();
    streams += 1;
    await streamDecisions(response, { gateways, token: adminToken, filter }).finally(() => {
      streams -= 1;
    });
  };

  const page = async (path: string, query: URLSearchParams): Promise<Page> => {
    const show = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (show === undefined) throw new Refused(404, 'There is no such page.');
    const { status = 200, again, ...shown } = await show(query, sources);
    const text = frame({ ...shown, standing: state.known().standing });
    return { status, text, ...(again !== undefined && { headers: { refresh: String(again) } }) };
  };

  const refusalPage = ({ status, message, headers }: Refused): Page => {
    // Who is turned away at the door learns nothing of what is behind it.
    const standing: Standing | null = status === 404 || status === 400 ? state.known().standing : null;
    const body = html`<p class="note bad">${message}</p>`;
    return { status, text: frame({ title: `${status}`, view: null, standing, body }), headers };
  };

  return async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Who asks has no body to send; one that comes is not read.
    if (
      request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0
    )
      response.setHeader('connection', 'close');
    try {
      const { path, query } = guard(request, token);
      state.look();
      if (path === '/decisions/stream') await stream(request, response, query);
      else send(request, response, await page(path, query));
    } catch (error) {
      if (!(error instanceof Refused)) onFailure(error);
      if (response.headersSent) return void response.destroy();
      const refused =
        error instanceof Refused
          ? error
          : new Refused(500, 'This page failed; what was printed where the console runs says why.');
      send(request, response, refusalPage(refused));
    }
  };
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, text, headers: more }: Page,
): void {
  response.writeHead(status, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...more,
  });
  response.end(method === 'HEAD' ? undefined : text);
}
