// An open model: requests leave on schedule, whether or not earlier ones have been answered, so a pause of the proxy is
// seen by everyone it delays. Latency counts from the instant a request was due; this process sleeps between sends, as
// what it took of the processor it would take from the proxy, so a millisecond of that is its own, for each peer alike.
// The first requests, by which it connects and its own code is compiled, are not in the percentiles.
// argv: URL RATE COUNT WARM_UP TOKENS_FILE TOKENS
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';

const [url = '', rate = '1000', count = '5000', warm = '0', file = '', most = '1'] = process.argv.slice(2);
const tokens = readFileSync(file, 'utf8').trim().split('\n').slice(0, Number(most));
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: 128 });
const everyMs = 1000 / Number(rate);
const total = Number(count) + Number(warm);
const latencies: number[] = [];
let failures = 0;
let sent = 0;
let done = 0;
const begin = performance.now() + 100;

function send(due: number): void {
  const counts = sent >= Number(warm);
  const finish = (ok: boolean) => {
    done += 1;
    if (!ok) failures += 1;
    if (counts) latencies.push(performance.now() - due);
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
  for (let due = begin + sent * everyMs; sent < total && due <= now; due = begin + sent * everyMs) {
    send(due);
    sent += 1;
  }
  if (sent < total) setTimeout(tick, 1);
}

function report(): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
  const found = { requests: total, p50: at(0.5), p99: at(0.99), p999: at(0.999), failures };
  process.stdout.write(`${JSON.stringify(found)}\n`);
  process.exit();
}
tick();
