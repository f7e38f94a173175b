// An open model: requests leave on schedule, whether or not earlier ones have been answered; latency counts from the
// scheduled instant, so a pause is seen by everyone it delays. argv: URL RATE SECONDS TOKENS_FILE
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';

const [url = '', rate = '1000', seconds = '5', file = ''] = process.argv.slice(2);
const tokens = readFileSync(file, 'utf8').trim().split('\n');
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: 128 });
const everyMs = 1000 / Number(rate);
const total = Number(rate) * Number(seconds);
const latencies: number[] = [];
let failures = 0;
let sent = 0;
let done = 0;
const begin = performance.now() + 100;

function send(due: number): void {
  const finish = (ok: boolean) => {
    done += 1;
    if (!ok) failures += 1;
    latencies.push(performance.now() - due);
    if (done === total) report();
  };
  let ok = false;
  pool.dispatch(
    { path: pathname, method: 'GET', headers: ['authorization', `Bearer ${tokens[sent % tokens.length]}`] },
    {
      onRequestStart() {},
      onResponseStart(_controller, status) {
        ok = status === 200;
      },
      onResponseData() {},
      onResponseEnd: () => finish(ok),
      onResponseError: () => finish(false),
    },
  );
}

function tick(): void {
  const now = performance.now();
  while (sent < total && begin + sent * everyMs <= now) {
    send(begin + sent * everyMs);
    sent += 1;
  }
  // Timers are too coarse for a millisecond's schedule: the loop spins in the poll phase instead.
  if (sent < total) setImmediate(tick);
}

function report(): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
  process.stdout.write(`${JSON.stringify({ median: at(0.5), p99: at(0.99), failures })}\n`);
  process.exit();
}
tick();
