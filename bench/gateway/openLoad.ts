// An open model: requests leave on schedule, whether or not earlier ones have been answered, so a pause of the proxy is
// seen by everyone it delays. Latency counts from when a request was sent: this process sleeps between sends, as what it
// took of the processor it would take from the proxy. The first second, in which it connects and its own code is
// compiled, does not count. argv: URL RATE SECONDS TOKENS_FILE
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';

const [url = '', rate = '1000', seconds = '5', file = ''] = process.argv.slice(2);
const tokens = readFileSync(file, 'utf8').trim().split('\n');
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: 128 });
const everyMs = 1000 / Number(rate);
const warmUp = Number(rate);
const total = warmUp + Number(rate) * Number(seconds);
const latencies: number[] = [];
let failures = 0;
let sent = 0;
let done = 0;
const begin = performance.now() + 100;

function send(): void {
  const from = performance.now();
  const counts = sent >= warmUp;
  const finish = (ok: boolean) => {
    done += 1;
    if (!ok) failures += 1;
    if (counts) latencies.push(performance.now() - from);
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
    send();
    sent += 1;
  }
  if (sent < total) setTimeout(tick, 1);
}

function report(): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
  process.stdout.write(`${JSON.stringify({ median: at(0.5), p99: at(0.99), failures })}\n`);
  process.exit();
}
tick();
