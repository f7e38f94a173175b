import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { html } from '../page/html.ts';
import { openBackground } from './background.ts';
import { createChanges } from './changes.ts';
import { openConsoleState } from './consoleState.ts';
import { guard, Refused } from './guard.ts';
import { filterOf, pages, type Sources } from './pages.ts';
import { streamDecisions } from './streamDecisions.ts';
import type { Fleet } from './views/fleetPage.ts';
import { frame, policy, type Standing } from './views/frame.ts';

export type ConsoleOptions = {
  /** The repository: a work tree, shown as its files lie on disk, or a bare repository, shown at its HEAD. */
  root: string;
  decisions: readonly string[];
  usage: readonly string[];
  /** Gateways' admin addresses, and the token they want, if they do. */
  gateways: readonly string[];
  adminToken: string | null;
  /** Asks the gateways what they enforce; null when none was named. */
  fleet: (() => Promise<Fleet>) | null;
  host: string;
  port: number;
  /** What browsers must show; null: none, and only a loopback address may be listened on. */
  token: string | null;
  /** Seconds since 1970; null: now. */
  asOf: number | null;
  /** How far recorded requests are looked back on where a change is judged. */
  days: number;
  now: () => number;
  onFailure: (error: unknown) => void;
};

export type Console = { url: string; close: () => Promise<void> };

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

/**
 * Serves the console. It only shows: nothing is written, and it asks nobody but the gateways that were named. Throws
 * TypeError when others could reach it without a token, ReviewError `grants-invalid`, GitError, and when the port is taken.
 */
export async function openConsole(options: ConsoleOptions): Promise<Console> {
  const {
    root,
    decisions,
    usage,
    gateways,
    adminToken,
    fleet,
    host,
    port,
    token,
    asOf,
    days,
    now,
    onFailure,
  } = options;
  if (token === '') throw new TypeError('the token of the console must not be empty');
  if (token === null && !isLoopback(host))
    throw new TypeError('without a token the console listens on loopback only');
  const state = await openConsoleState({
    root,
    decisions,
    usage,
    adminToken,
    asOf,
    now,
    background: openBackground(),
  });
  const comparing = openBackground();
  const seconds = () => asOf ?? Math.floor(now() / 1000);
  const changes = createChanges({ root, background: comparing, decisions, days, asOf: seconds });
  const sources: Sources = { state, changes, gateways, adminToken, fleet };
  let streams = 0;

  const send = (
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    text: string,
    more = {},
  ) => {
    response.writeHead(status, {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      ...more,
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    // Who asks has no body to send; one that comes is not read.
    if (
      request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0
    )
      response.setHeader('connection', 'close');
    try {
      const { path, query } = guard(request, token);
      state.look();
      if (path === '/decisions/stream') {
        if (gateways.length === 0) throw new Refused(404, 'No gateway was named.');
        const filter = filterOf(query);
        if (streams >= mostStreams) throw new Refused(503, 'Several pages follow already.');
        response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
        if (request.method === 'HEAD') return void response.end();
        streams += 1;
        await streamDecisions(response, { gateways, token: adminToken, filter }).finally(() => {
          streams -= 1;
        });
        return;
      }
      const show = Object.hasOwn(pages, path) ? pages[path] : undefined;
      if (show === undefined) throw new Refused(404, 'There is no such page.');
      const { status = 200, again, ...page } = await show(query, sources);
      const text = frame({ ...page, standing: state.known().standing });
      send(request, response, status, text, again === undefined ? {} : { refresh: String(again) });
    } catch (error) {
      fail(request, response, error);
    }
  };
  const fail = (request: IncomingMessage, response: ServerResponse, error: unknown) => {
    if (!(error instanceof Refused)) onFailure(error);
    if (response.headersSent) return void response.destroy();
    const {
      status,
      message,
      headers: more,
    } = error instanceof Refused
      ? error
      : new Refused(500, 'This page failed; what was printed where the console runs says why.');
    // Who is turned away at the door learns nothing of what is behind it.
    const known: Standing | null = status === 404 || status === 400 ? state.known().standing : null;
    const body = html`<p class="note bad">${message}</p>`;
    send(request, response, status, frame({ title: `${status}`, view: null, standing: known, body }), more);
  };
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 60_000, maxHeaderSize: 16_384 },
    (request, response) => void answer(request, response),
  );
  const close = async () => {
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
    await Promise.all([state.close(), comparing.close()]);
  };
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, host, done);
    });
  } catch (error) {
    await Promise.all([state.close(), comparing.close()]);
    throw error;
  }
  const at = server.address() as AddressInfo;
  return { url: `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}/`, close };
}
