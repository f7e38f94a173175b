// How long a merge takes to reach open connections: 5,000 streams (event streams and WebSockets in equal parts) of 200
// callers, through one gateway. First a merge that takes one caller's grant away, then one that takes all.
// node bench/revocation.ts [STREAMS]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { WebSocket, WebSocketServer } from 'ws';
import { runGit } from '../test/bundle/_organisation.ts';
import { callers, startOurs, writeOrganisation } from './gateway/world.ts';

const count = Number(process.argv[2] ?? 5000);
const upstream = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: hello\n\n');
});
const sockets = new WebSocketServer({ server: upstream });
sockets.on('connection', (socket) => socket.send('hello'));
await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const root = join(folder, 'access');
writeOrganisation(root, `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
const ours = await startOurs(folder, root, '/bench/v1/none');
const { hostname, port } = new URL(ours.url);

/** Opens one; the result settles when it has ended. */
function open(index: number): Promise<{ caller: number; ended: Promise<void> }> {
  const caller = (index >> 1) % callers;
  const authorization = `Bearer ${ours.tokens[caller]}`;
  return new Promise((opened, fail) => {
    if (index % 2 === 0) {
      const socket = new WebSocket(`${ours.url.replace('http', 'ws')}/bench/v1/items`, {
        headers: { authorization },
      });
      const ended = new Promise<void>((done) => socket.once('close', () => done()));
      socket.once('message', () => opened({ caller, ended }));
      socket.once('error', fail);
    } else {
      const socket = connect(Number(port), hostname);
      const ended = new Promise<void>((done) => socket.once('close', () => done()));
      socket.once('data', () => opened({ caller, ended }));
      socket.on('error', fail);
      socket.write(`GET /bench/v1/items HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`);
    }
  });
}

const streams: Awaited<ReturnType<typeof open>>[] = [];
for (let index = 0; index < count; index += 100) {
  const batch = Array.from({ length: Math.min(100, count - index) }, (_, i) => open(index + i));
  streams.push(...(await Promise.all(batch)));
}
const decidedAgain = async () =>
  Number(/decided_again_total (\d+)/.exec(await (await fetch(`${ours.admin}/metrics`)).text())?.[1] ?? 0);
const file = join(root, 'grants/access/bench/all.yaml');
const lines = readFileSync(file, 'utf8').split('\n');

async function merge(name: string, kept: (line: string) => boolean, ending: typeof streams): Promise<void> {
  writeFileSync(file, lines.filter(kept).join('\n'));
  runGit(root, 'commit', '--quiet', '--all', '--message', name);
  const before = await decidedAgain();
  const started = performance.now();
  const reloaded = fetch(`${ours.admin}/reload?force`, { method: 'POST' }).then(() => performance.now());
  await Promise.all(ending.map(({ ended }) => ended));
  const all = performance.now() - started;
  const swapped = (await reloaded) - started;
  console.log(
    `${name}: ${ending.length} of ${streams.length} streams closed ${all.toFixed(0)} ms after the commit was looked for (answered after ${swapped.toFixed(0)} ms); decided again: ${(await decidedAgain()) - before}`,
  );
}
try {
  const [one, others] = [
    streams.filter(({ caller }) => caller === 0),
    streams.filter(({ caller }) => caller !== 0),
  ];
  await merge("one caller's grant gone", (line) => !line.includes('grant-0,'), one);
  await merge('everybody’s grants gone', (line) => line.includes('grant-998,'), others);
} finally {
  await ours.stop();
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true });
  process.exit();
}
