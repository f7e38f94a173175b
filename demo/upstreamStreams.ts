import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { positionAt } from './upstreamSeeds.ts';

/** Calls `tick` at once and then every `everyMs`, until the response is closed. */
async function whileOpen(
  response: ServerResponse,
  everyMs: number,
  tick: (index: number) => Promise<boolean>,
) {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  for (let index = 0; !closed.signal.aborted; index++) {
    if (!(await tick(index))) return;
    await sleep(everyMs, undefined, { signal: closed.signal }).catch(() => {});
  }
}

/** Writes and waits for a slow reader. */
async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return;
  await new Promise<void>((done) => {
    response.once('drain', done);
    response.once('close', done);
  });
}

/** Server-sent events without an end. */
export async function sendEvents(response: ServerResponse, everyMs: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  await whileOpen(response, everyMs, async (index) => {
    await write(response, `id: ${index}\nevent: position\ndata: ${JSON.stringify(positionAt(index))}\n\n`);
    return true;
  });
}

/** A long download: one JSON line at a time, chunked. */
export async function sendExport(response: ServerResponse, lines: number, everyMs: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  await whileOpen(response, everyMs, async (index) => {
    if (index >= lines) {
      response.end();
      return false;
    }
    await write(response, `${JSON.stringify(positionAt(index))}\n`);
    return true;
  });
}

export type Streams = {
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  close: () => void;
};

/** WebSockets: an event at once and every `everyMs`, and each message sent back as `{"echo": …}`. */
export function createStreams(everyMs: number): Streams {
  const server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
  return {
    upgrade: (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (client) => {
        let index = 0;
        const send = () => client.send(JSON.stringify(positionAt(index++)));
        const timer = setInterval(send, everyMs);
        client.on('close', () => clearInterval(timer));
        // A broken frame closes the socket; there is nobody else to tell.
        client.on('error', () => {});
        client.on('message', (data) => client.send(JSON.stringify({ echo: String(data) })));
        send();
      });
    },
    close: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}
