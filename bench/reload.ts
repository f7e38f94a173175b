// A hundred reloads under load: the gateway in a process of its own, a real Git source, the signed push webhook.
// Prints requests and failures, the time from push to the new revision, and latency with and without reloads.
// node bench/reload.ts
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';
import { startGateway } from '../demo/startGateway.ts';
import { sampleTree } from '../test/bundle/_organisation.ts';
import { startIssuer } from '../test/gateway/_issuer.ts';
import { median } from './gateway/tables.ts';

const reloads = 100;
const connections = 8;
const folder = await mkdtemp(join(tmpdir(), 'grantgate-bench-'));
const upstream = createServer({ keepAliveTimeout: 60_000 }, (_request, response) =>
  response.end('{"ok":true}'),
);
await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
const upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
const issuer = await startIssuer();
const tree = await sampleTree({}, { git: true });
const orders = await readFile(join(tree.root, 'grants/apis/orders.yaml'), 'utf8');
await tree.commit({
  'grants/apis/orders.yaml': orders
    .replace('http://orders.internal:8080', upstreamUrl)
    .replace('600/min', '999999999/s'),
});
await writeFile(
  join(folder, 'gateway.yaml'),
  `listen: { port: 0 }
admin: { port: 0 }
bundle: { source: "git+file://${tree.root}#main", poll: 1h }
webhook: { secret: { env: BENCH_WEBHOOK_SECRET } }
issuers: [{ issuer: "${issuer.url}", audience: grantgate }]
`,
);
const secret = 'bench';
const gateway = await startGateway({
  config: join(folder, 'gateway.yaml'),
  log: join(folder, 'gateway.log'),
  env: { BENCH_WEBHOOK_SECRET: secret },
});
const revision = async () => {
  const response = await fetch(`${gateway.admin}/revision`);
  return response.ok ? ((await response.json()) as { revision: string }).revision : null;
};
while ((await revision()) === null) await new Promise((done) => setTimeout(done, 20));

const token = await issuer.token({ sub: 'cleo@example.com', exp: Math.floor(Date.now() / 1000) + 3600 });
const pool = new Pool(gateway.url, { connections });
async function underLoad(
  work: () => Promise<void>,
): Promise<{ latencies: number[]; failures: number; requests: number }> {
  let running = true;
  let failures = 0;
  const latencies: number[] = [];
  const callers = Array.from({ length: connections }, async () => {
    while (running) {
      const from = performance.now();
      try {
        const { statusCode, body } = await pool.request({
          path: '/orders/v1/orders',
          method: 'GET',
          headers: { authorization: `Bearer ${token}` },
        });
        await body.dump();
        if (statusCode !== 200) failures += 1;
      } catch {
        failures += 1;
      }
      latencies.push(performance.now() - from);
    }
  });
  await work();
  running = false;
  await Promise.all(callers);
  return { latencies: latencies.sort((a, b) => a - b), failures, requests: latencies.length };
}
const percentiles = (sorted: number[]) =>
  [0.5, 0.99, 1]
    .map((share) => `p${share * 100} ${(sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2)} ms`)
    .join('  ');

const enforced: number[] = [];
const during = await underLoad(async () => {
  for (let round = 0; round < reloads; round += 1) {
    const after = await tree.commit({
      'grants/access/orders/extra.yaml': `- id: orders-extra-${round}
  principal: user:dana@example.com
  api: orders
  role: reader
  reason: Round ${round}
  owner: group:billing
  granted: 2026-03-01
`,
    });
    const body = JSON.stringify({ ref: 'refs/heads/main', after });
    const from = performance.now();
    await fetch(`${gateway.admin}/webhooks/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
    });
    while ((await revision()) !== after) await new Promise((done) => setTimeout(done, 2));
    enforced.push(performance.now() - from);
  }
});
const seconds = enforced.reduce((sum, ms) => sum + ms, 0) / 1000;
const quiet = await underLoad(
  () => new Promise((done) => setTimeout(done, Math.min(10_000, seconds * 1000))),
);

console.log(
  `${reloads} reloads, ${connections} connections, ${during.requests} requests: ${during.failures} failed`,
);
console.log(`push webhook → in force   ${percentiles(enforced.sort((a, b) => a - b))}`);
console.log(`latency while reloading   ${percentiles(during.latencies)}`);
console.log(`latency without reloads   ${percentiles(quiet.latencies)}`);
console.log(
  `median latency ratio reloading / not: ${(median(during.latencies) / median(quiet.latencies)).toFixed(2)}`,
);

await pool.close();
await gateway.close();
await issuer.close();
upstream.closeAllConnections();
upstream.close();
await tree.remove();
await rm(folder, { recursive: true, force: true });
process.exit(during.failures === 0 ? 0 : 1);
