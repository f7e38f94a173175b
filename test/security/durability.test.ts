import * as assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { startGateway } from '../../demo/startGateway.ts';
import { suite } from '../_suite.ts';
import { sampleTree } from '../bundle/_organisation.ts';
import { startIssuer } from '../gateway/_issuer.ts';

const test = suite('security: durability');

/** The ids of the records in the files of `home`, as they are now; only what is new since is read. */
function createReader(home: string): (id: string) => boolean {
  const ids = new Set<string>();
  const read = new Map<string, number>();
  const look = () => {
    for (const name of readdirSync(home).filter((one) => one.endsWith('.ndjson'))) {
      const fd = openSync(join(home, name), 'r');
      const from = read.get(name) ?? 0;
      const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - from));
      const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, from));
      closeSync(fd);
      const whole = text.lastIndexOf('\n') + 1;
      read.set(name, from + whole);
      for (const [, id = ''] of text.slice(0, whole).matchAll(/"decision_id":"([^"]+)"/g)) ids.add(id);
    }
  };
  return (id) => {
    if (!ids.has(id)) look();
    return ids.has(id);
  };
}

test('a request is on record when an upstream sees it; after kill -9 under load it still is, and numbers never repeat', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-kill-'));
  const home = join(folder, '.grantgate/decisions/gw-1');
  const seen: string[] = [];
  const early: string[] = [];
  let isRecorded = createReader(home);
  let onSeen = () => {};
  const upstream = createServer((request, response) => {
    const id = String(request.headers['x-grantgate-decision']);
    seen.push(id);
    if (!isRecorded(id)) early.push(id);
    onSeen();
    response.end('ok');
  });
  await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
  const issuer = await startIssuer();
  const tree = await sampleTree({}, { git: true });
  const orders = await readFile(join(tree.root, 'grants/apis/orders.yaml'), 'utf8');
  const { port } = upstream.address() as AddressInfo;
  await tree.commit({
    'grants/apis/orders.yaml': orders
      .replace('http://orders.internal:8080', `http://127.0.0.1:${port}`)
      .replace('600/min', '999999999/s'),
    'grants/access/orders/invoices.yaml': `- id: orders-dana-read
  principal: user:dana@example.com
  api: orders
  role: reader
  reason: Load
  owner: group:billing
  granted: 2026-01-01
`,
  });
  await writeFile(
    join(folder, 'gateway.yaml'),
    `listen: { port: 0 }
admin: { port: 0 }
bundle: { source: "git+file://${tree.root}#main", poll: 1h }
issuers: [{ issuer: "${issuer.url}", audience: grantgate }]
`,
  );
  const token = await issuer.token({ sub: 'dana@example.com' });
  try {
    for (let round = 0; round < 2; round += 1) {
      const gateway = await startGateway({
        config: join(folder, 'gateway.yaml'),
        log: join(folder, 'log'),
        env: {},
      });
      while (!(await fetch(`${gateway.admin}/health/ready`)).ok)
        await new Promise((done) => setTimeout(done, 20));
      const pool = new Pool(gateway.url, { connections: 16 });
      let running = true;
      const load = Array.from({ length: 16 }, async () => {
        while (running) {
          try {
            const { body } = await pool.request({
              path: '/orders/v1/orders',
              method: 'GET',
              headers: { authorization: `Bearer ${token}` },
            });
            await body.dump();
          } catch {
            return;
          }
        }
      });
      // A crash cuts off what it tore, so the files are read anew. The kill comes at once when one more is seen.
      isRecorded = createReader(home);
      const last = seen.length + 110 + round * 87;
      await new Promise<void>((done) => {
        onSeen = () => {
          if (seen.length !== last) return;
          process.kill(gateway.pid, 'SIGKILL');
          done();
        };
      });
      await gateway.kill();
      running = false;
      await Promise.all(load);
      await pool.destroy();
    }
    const names = (await readdir(home)).filter((name) => name.endsWith('.ndjson')).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(home, name), 'utf8')));
    const lines = texts
      .join('')
      .split('\n')
      .filter((line) => line !== '');
    // The last line of the last process may be torn; the next start would cut it off.
    const records = lines.flatMap((line, index) => {
      try {
        return [JSON.parse(line)];
      } catch (error) {
        if (index === lines.length - 1) return [];
        throw error;
      }
    });
    const recorded = new Set(
      records.filter(({ heartbeat }) => heartbeat !== true).map(({ decision_id: id }) => id),
    );
    assert.ok(seen.length > 300);
    assert.deepEqual(early, []);
    assert.deepEqual(
      seen.filter((id) => !recorded.has(id)),
      [],
    );
    const seqs = records.filter(({ heartbeat }) => heartbeat !== true).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => index + 1),
    );
  } finally {
    upstream.closeAllConnections();
    upstream.close();
    await issuer.close();
    await tree.remove();
    await rm(folder, { recursive: true, force: true });
  }
});
