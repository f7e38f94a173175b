import * as assert from 'node:assert/strict';
import { createOnStreamClosed } from '../../../gateway/streams/onStreamClosed.ts';
import type { ClosedStream } from '../../../gateway/streams/streams.ts';
import { suite } from '../../_suite.ts';

const test = suite('onStreamClosed');
const closed = (reason: ClosedStream['reason']): ClosedStream => ({
  reason,
  admittedBy: 'a',
  closedBy: 'b',
  admission: {
    id: 'id',
    identity: { subject: 'user:ann' },
    route: { api: 'orders', operation: 'listOrders' },
    decision: { result: { grants: ['g'] } },
  } as unknown as ClosedStream['admission'],
});

test('each end is counted and, but for a shutdown’s, on record; one that cannot be written is told of', () => {
  const counted: (string | undefined)[] = [];
  const written: object[] = [];
  const errors: object[] = [];
  let failure: Error | null = null;
  const onClosed = createOnStreamClosed({
    writer: {
      writeClosed(entry, done) {
        written.push(entry);
        done?.(failure);
      },
    },
    metrics: { streamsClosed: (reason) => void counted.push(reason) },
    log: { debug: () => undefined, error: (facts) => void errors.push(facts) },
    now: () => 0,
  });
  onClosed(closed('revoked'));
  onClosed(closed('shutdown'));
  assert.deepEqual(counted, ['revoked', 'shutdown']);
  assert.deepEqual(written, [
    {
      timestamp: '1970-01-01T00:00:00.000Z',
      decision_id: 'id',
      event: 'stream-closed',
      bundles: { grantgate: { revision: 'a' } },
      closed_by: { revision: 'b' },
      reason: 'revoked',
      subject: 'user:ann',
      api: 'orders',
      operation: 'listOrders',
      grants: ['g'],
    },
  ]);
  assert.deepEqual(errors, []);
  failure = new Error('the disk is full');
  onClosed(closed('expired'));
  assert.deepEqual(errors, [{ err: failure, decision_id: 'id' }]);
});
