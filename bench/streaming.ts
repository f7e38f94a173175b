// Large bodies and many quiet connections: a download and an upload of 1 GB through ours and through the bare undici
// proxy in turns (throughput ratio, memory above idle), then 5,000 idle WebSockets (memory per connection).
// node bench/streaming.ts [MEGABYTES] [WEBSOCKETS]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { startBare } from './gateway/peers.ts';
import { median } from './gateway/tables.ts';
import { type Peer, startOurs, writeOrganisation } from './gateway/world.ts';

const megabytes = Number(process.argv[2] ?? 1024);
const webSockets = Number(process.argv[3] ?? 5000);
const rounds = 3;
const chunk = Buffer.alloc(64 * 1024, 'x');
const chunks = megabytes * 16;

function* body() {
  for (let index = 0; index < chunks; index += 1) yield chunk;
}

const upstream = createServer((incoming, response) => {
  if (incoming.method === 'POST') {
    let size = 0;
    incoming.on('data', (part: Buffer) => {
      size += part.length;
    });
    incoming.on('end', () => response.end(String(size)));
    return;
  }
  response.writeHead(200, { 'content-length': chunks * chunk.length });
  Readable.from(body()).pipe(response);
});
const sockets = new WebSocketServer({ server: upstream });
sockets.on('connection', (socket) => socket.send('hello'));
await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
const upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const root = join(folder, 'access');
writeOrganisation(root, upstreamUrl);
// The first request of `startOurs` must be small.
const ours = await startOurs(folder, root, '/bench/v1/none');
const bare = await startBare('./bareUndici.ts', 'bare undici dispatch', upstreamUrl);
const token = ours.tokens[0] ?? '';
const headers = { authorization: `Bearer ${token}` };

/** Resident memory of the process that listens, in MB. */
function resident(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function transfer(
  peer: Peer,
  pid: number,
  method: 'GET' | 'POST',
): Promise<{ rate: number; above: number }> {
  const idle = resident(pid);
  let highest = idle;
  const watch = setInterval(() => {
    highest = Math.max(highest, resident(pid));
  }, 50);
  const started = performance.now();
  const answer = await request(`${peer.url}/bench/v1/items`, {
    method,
    headers,
    ...(method === 'POST' ? { body: Readable.from(body()) } : {}),
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  if (answer.statusCode !== 200) throw new Error(`${peer.name} answered ${answer.statusCode}`);
  let size = 0;
  for await (const part of answer.body as AsyncIterable<Buffer>) size += part.length;
  clearInterval(watch);
  if (method === 'GET' && size !== chunks * chunk.length)
    throw new Error(`${peer.name} cut the body at ${size}`);
  return { rate: megabytes / ((performance.now() - started) / 1000), above: highest - idle };
}

for (const method of ['GET', 'POST'] as const) {
  const rates: Record<string, number[]> = { ours: [], bare: [] };
  const above: number[] = [];
  const bareAbove: number[] = [];
  // Once before it counts: code is compiled and the heap has its working size.
  await transfer(bare, bare.pid, method);
  await transfer(ours, ours.pid, method);
  for (let round = 0; round < rounds; round += 1) {
    const yardstick = await transfer(bare, bare.pid, method);
    rates.bare?.push(yardstick.rate);
    bareAbove.push(yardstick.above);
    const { rate, above: grown } = await transfer(ours, ours.pid, method);
    rates.ours?.push(rate);
    above.push(grown);
  }
  const [own, other] = [median(rates.ours ?? []), median(rates.bare ?? [])];
  console.log(
    `${method === 'GET' ? 'download' : 'upload  '} ${megabytes} MB: ours ${own.toFixed(0)} MB/s, bare ${other.toFixed(0)} MB/s, ratio ${(own / other).toFixed(2)}; memory above idle, highest of ${rounds}: ours ${Math.max(...above).toFixed(0)} MB, bare ${Math.max(...bareAbove).toFixed(0)} MB`,
  );
}

const before = resident(ours.pid);
const open: WebSocket[] = [];
for (let index = 0; index < webSockets; index += 200) {
  const batch = Array.from({ length: Math.min(200, webSockets - index) }, () => {
    const socket = new WebSocket(`${ours.url.replace('http', 'ws')}/bench/v1/items`, { headers });
    open.push(socket);
    return new Promise((done, fail) => {
      socket.once('message', done);
      socket.once('error', fail);
    });
  });
  await Promise.all(batch);
}
await new Promise((done) => setTimeout(done, 1000));
console.log(
  `${open.length} idle WebSockets: ${(((resident(ours.pid) - before) * 1024) / open.length).toFixed(1)} KB each`,
);
for (const socket of open) socket.terminate();
await ours.stop();
await bare.stop();
upstream.closeAllConnections();
upstream.close();
rmSync(folder, { recursive: true, force: true });
process.exit();
