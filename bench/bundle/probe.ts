// Loaded into a gateway before its own code: tells how long its serving thread was held up, and its memory.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_PROBE;
if (isMainThread && file !== undefined) {
  const resolutionMs = 1;
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ longestPauseMs: Math.max(0, delay.max / 1e6 - resolutionMs) }));
    delay.reset();
  });
  server.listen(0, '127.0.0.1', () => writeFileSync(file, String((server.address() as AddressInfo).port)));
  server.unref();
}
