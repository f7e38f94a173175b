import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';

/** An answer that is none of decisions. */
type Refused = { status: number; headers: IncomingMessage['headers']; body: Buffer };

/** A reader so far behind misses lines; each worker counts its own, and we ours. */
const mostHeld = 2 ** 20;

/**
 * Follows the decisions of all workers, by the Unix sockets of their admin listeners, line by line. It ends as soon as
 * one of them does: who asks again gets those that are there by then. Answers a refusal of theirs, which is still to be
 * sent, or null. Rejects when one cannot be asked.
 */
export async function followWorkers(
  sockets: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Refused | null> {
  const stop = new AbortController();
  response.once('close', () => stop.abort());
  try {
    const opened = await Promise.all(sockets.map((socket) => open(socket, request, stop.signal)));
    const refused = opened.find(({ statusCode }) => statusCode !== 200);
    if (refused !== undefined) {
      const body = Buffer.concat(await Array.fromAsync(refused as AsyncIterable<Buffer>));
      stop.abort();
      return { status: refused.statusCode ?? 502, headers: refused.headers, body };
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
    for (const worker of opened) handOn(worker, response);
    return null;
  } catch (error) {
    stop.abort();
    throw error;
  }
}

const open = (socket: string, { url, headers }: IncomingMessage, signal: AbortSignal) =>
  new Promise<IncomingMessage>((done, fail) => {
    const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...rest } = headers;
    const sent = ask({ socketPath: socket, path: url ?? '/', headers: rest, agent: false, signal });
    sent.once('error', fail);
    sent.once('response', (response) => {
      response.on('error', () => response.destroy());
      done(response);
    });
    sent.end();
  });

/** Whole lines only: what one worker says must not stand in the middle of another one's word. */
function handOn(worker: IncomingMessage, response: ServerResponse): void {
  let rest = '';
  let missed = 0;
  worker.setEncoding('utf8');
  worker.on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1;
    if (end === 0) {
      rest += text;
      return;
    }
    const lines = rest + text.slice(0, end);
    rest = text.slice(end);
    if (response.writableLength > mostHeld) {
      missed += lines.split('\n').length - 1;
      return;
    }
    response.write((missed === 0 ? '' : `${JSON.stringify({ missed })}\n`) + lines);
    missed = 0;
  });
  worker.once('close', () => response.destroy());
}
