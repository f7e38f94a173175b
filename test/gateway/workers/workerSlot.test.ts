import * as assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertVersion, installedVersion } from '../../../gateway/workers/version.ts';
import { createWorkerSlot } from '../../../gateway/workers/workerSlot.ts';
import { suite } from '../../_suite.ts';

const test = suite('workerSlot');
const logged: unknown[] = [];
const slotOf = (version: string, isNeeded = false) =>
  createWorkerSlot(1, {
    data: () => ({
      version,
      config: join(tmpdir(), 'none.yaml'),
      slot: 1,
      workers: 2,
      admin: join(tmpdir(), `none-${process.pid}.sock`),
      early: false,
    }),
    drainMs: () => 0,
    onSaid: () => undefined,
    onChanged: () => undefined,
    onEnded: () => undefined,
    isNeeded: () => isNeeded,
    onReplaced: () => undefined,
    onUnseen: () => undefined,
    log: { error: (_: unknown, text?: string) => void logged.push(text) } as never,
  });

test('a worker that says that it listens just as it is told to stop is stopping, and is not replaced', async () => {
  const slot = slotOf(installedVersion(), true);
  slot.start().catch(() => undefined);
  const { worker } = slot;
  assert.ok(worker);
  const stopped = slot.stop(0);
  worker.emit('message', { kind: 'listening', url: 'http://127.0.0.1:1', decisionPoint: null });
  assert.equal(slot.state, 'stopping');
  worker.process.kill('SIGKILL');
  await stopped;
  assert.equal(slot.state, 'down');
  assert.deepEqual(logged, [], 'one that ends unbidden is logged, and replaced');
});

test('a worker of another version than the process that looks after it does not start, and says why', async () => {
  const refused = { code: 'worker-version', message: /^version \S+ is installed, and .* is of 0\.0\.1: / };
  await assert.rejects(slotOf('0.0.1').start(), refused);
  assert.throws(() => assertVersion('0.0.1'), refused);
  assertVersion(installedVersion());
});
