import * as assert from 'node:assert/strict';
import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { closeLostConnections } from '../../../gateway/workers/closeLostConnections.ts';
import { suite } from '../../_suite.ts';

const test = suite('closeLostConnections');

function world() {
  let warnings = 0;
  const child = Object.assign(new EventEmitter(), { send: (..._: unknown[]) => true });
  const worker = Object.assign(new EventEmitter(), { process: child });
  closeLostConnections(worker as unknown as Worker, () => {
    warnings += 1;
  });
  const closed: string[] = [];
  const connect = (name: string, seq: number) =>
    child.send({ cmd: 'NODE_CLUSTER', act: 'newconn', seq }, { close: () => closed.push(name) });
  return { worker, child, connect, closed, warnings: () => warnings };
}

test('closes what was on its way to a worker that ended, and nothing that had arrived', () => {
  const { child, connect, closed } = world();
  connect('arrived', 1);
  connect('lost', 2);
  child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: 1 });
  child.emit('exit');
  assert.deepEqual(closed, ['lost']);
});

test("tells when Node's messages were not seen by the time a worker listens, and only then", () => {
  const fine = world();
  fine.child.send({ cmd: 'NODE_CLUSTER', ack: 1 });
  fine.child.emit('internalMessage', { cmd: 'NODE_CLUSTER', act: 'listening' });
  fine.worker.emit('listening');
  assert.equal(fine.warnings(), 0);
  const silent = world();
  silent.child.emit('internalMessage', { cmd: 'NODE_CLUSTER', act: 'listening' });
  silent.worker.emit('listening');
  assert.equal(silent.warnings(), 1, 'nothing was seen on its way to the worker');
  const deaf = world();
  deaf.child.send({ cmd: 'NODE_CLUSTER', ack: 1 });
  deaf.worker.emit('listening');
  assert.equal(deaf.warnings(), 1, 'nothing was seen from the worker');
});
