import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from '../_suite.ts';
import { startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('replay of what a running gateway has decided');
const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const replay = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    execFile(process.execPath, [cli, 'replay', ...args], (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code ?? Number.NaN), stdout, stderr }),
    );
  });

let world: World;
let base: string;
let head: string;
test.before(async () => {
  world = await startWorld();
  for (let request = 0; request < 3; request += 1) await world.get('/orders/v1/orders');
  base = world.gateway.revision() ?? assert.fail('no revision');
  head = await world.tree.commit({ 'grants/access/orders/billing.yaml': null, 'grants/review.yaml': null });
});
test.after(() => world.close());

const asOf = () => new Date(world.clock.now + 1000).toISOString();

test('its newest decisions say whom a change would stop, without a file of records', async () => {
  const { code, stdout, stderr } = await replay(
    ...[base, head, '--root', world.tree.root, '--gateway', world.gateway.admin, '--as-of', asOf(), '--json'],
  );
  assert.equal(code, 0, stderr);
  const { denied, requests } = JSON.parse(stdout) as {
    requests: { recorded: number };
    denied: { requests: number; by: { subject: string; operation: string }[] };
  };
  assert.deepEqual([requests.recorded, denied.requests], [3, 3], stdout);
  assert.deepEqual(
    denied.by.map(({ subject, operation }) => [subject, operation]),
    [['user:ann@example.com', 'listOrders']],
  );
});

test('one that cannot be asked is an error by its address, never an empty answer', async () => {
  for (const [url, wrong] of [
    ['http://127.0.0.1:1', /http:\/\/127\.0\.0\.1:1 was not asked: it cannot be reached/],
    [world.gateway.url, /was not asked: it answered 40\d/],
    ['http://ann:secret@127.0.0.1:1', /without credentials/],
  ] as const) {
    const { code, stderr } = await replay(base, head, '--root', world.tree.root, '--gateway', url);
    assert.deepEqual([code, stderr.includes('secret')], [2, false]);
    assert.match(stderr, wrong);
  }
});
