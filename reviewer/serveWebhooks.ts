import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formField } from '../bundle/format/formField.ts';
import { messageOf } from '../bundle/format/messageOf.ts';
import { readCapped } from '../bundle/format/readCapped.ts';
import type { Answered } from './answer.ts';

/** GitHub never delivers more. */
const mostBytes = 25 * 2 ** 20;
const patienceMs = 30_000;

type Options = {
  port: number;
  /** Listens on loopback when left out: a proxy with a certificate stands before it. */
  host?: string;
  /** What the forge signs deliveries with. */
  secret: string;
  /** `owner/name`, whose deliveries are meant. */
  slug: string;
  answer: (number: number) => Promise<Answered>;
  /** What `GET /metrics` answers; left out, there is none. */
  metrics?: () => Promise<string>;
  progress?: ((line: string) => void) | undefined;
};

export type WebhookServer = { url: string; close: () => Promise<void> };

/**
 * Takes the forge's webhooks (`issue_comment`, `pull_request_review`) and has the pull request's comments answered: one
 * run after the other. A delivery says only which pull request to look at, so one that comes twice, late or never does
 * no harm. Throws when the secret is empty or the port is taken.
 */
export async function serveWebhooks(options: Options): Promise<WebhookServer> {
  const { secret, port, host = '127.0.0.1', answer, progress } = options;
  // With an empty secret anybody could sign.
  if (secret === '') throw new TypeError('the webhook secret must not be empty');
  const waiting = new Set<number>();
  let running: Promise<void> = Promise.resolve();
  const enqueue = (number: number) => {
    // What waits already will see this comment, too.
    if (waiting.has(number)) return;
    waiting.add(number);
    running = running.then(async () => {
      waiting.delete(number);
      try {
        const { handled, changed, reason } = await answer(number);
        progress?.(`#${number}: ${reason ?? `${handled} comments, ${changed ? 'changed' : 'unchanged'}`}`);
      } catch (error) {
        progress?.(`#${number}: ${messageOf(error)}`);
      }
    });
  };
  const server = createServer((request, response) => {
    take(request, response, options, enqueue).catch(() => response.destroy());
  });
  server.requestTimeout = patienceMs;
  server.headersTimeout = patienceMs;
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, done);
  });
  const at = server.address() as AddressInfo;
  return {
    url: `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`,
    async close() {
      const closed = new Promise((done) => server.close(done));
      server.closeIdleConnections();
      await running;
      server.closeAllConnections();
      await closed;
    },
  };
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  { secret, slug, metrics }: Options,
  enqueue: (number: number) => void,
): Promise<void> {
  const end = (status: number) => response.writeHead(status, { connection: 'close' }).end();
  if (metrics !== undefined && request.method === 'GET' && request.url === '/metrics') {
    const text = await metrics();
    response.writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      connection: 'close',
    });
    return void response.end(text);
  }
  if (request.method !== 'POST') return void end(405);
  // Left early it stays open: else the answer could not be given any more.
  const body = await readCapped(request.iterator({ destroyOnReturn: false }), mostBytes);
  if (body === null) return void end(413);
  // The signature first, over the raw bytes; only then is anything read.
  if (!isSigned(request.headers['x-hub-signature-256'], body, secret)) return void end(401);
  const number = pullOf(request.headers['x-github-event'], textOf(request, body), slug);
  if (number !== null) enqueue(number);
  end(number === null ? 204 : 202);
}

function isSigned(given: string | string[] | undefined, body: Buffer, secret: string): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/.exec(String(given))?.[1];
  const expected = createHmac('sha256', secret).update(body).digest();
  return hex !== undefined && timingSafeEqual(Buffer.from(hex, 'hex'), expected);
}

/** A form is what GitHub sends unless told otherwise. */
const textOf = ({ headers }: IncomingMessage, body: Buffer): string =>
  /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')
    ? formField(body.toString(), 'payload')
    : body.toString();

type Delivery = {
  action?: unknown;
  repository?: { full_name?: unknown };
  issue?: { number?: unknown; pull_request?: unknown };
  pull_request?: { number?: unknown };
};

/** The pull request that a delivery speaks of; null for what is none of ours. */
function pullOf(event: string | string[] | undefined, text: string, slug: string): number | null {
  let delivery: Delivery | null;
  try {
    delivery = JSON.parse(text) as Delivery | null;
  } catch {
    return null;
  }
  if (String(delivery?.repository?.full_name).toLowerCase() !== slug.toLowerCase()) return null;
  const number =
    event === 'issue_comment' && delivery?.action === 'created' && delivery.issue?.pull_request != null
      ? delivery.issue.number
      : event === 'pull_request_review' && delivery?.action === 'submitted'
        ? delivery.pull_request?.number
        : undefined;
  return Number.isSafeInteger(number) ? (number as number) : null;
}
