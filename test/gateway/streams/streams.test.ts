import * as assert from 'node:assert/strict';
import type { Admission } from '../../../gateway/decision/admission.ts';
import type { Enforcement } from '../../../gateway/decision/enforcement.ts';
import { type ClosedStream, createStreams } from '../../../gateway/streams/streams.ts';
import { suite } from '../../_suite.ts';

const test = suite('streams');
const route = { api: 'orders', operation: 'list' };
const identity = { subject: 'user:ann@example.com', groups: null, mfa: false, expiresAt: null };

/** A revision whose rules are its own, so that everything is decided again; `lines` may be broken. */
const revision = (policy: string, allow: boolean, lines: unknown = null) =>
  ({
    snapshot: { policy, lines, revision: policy },
    route: () => route,
    networksOf: () => [],
    decide: () => ({ result: { allow, grants: allow ? ['g'] : [], reason: '' }, bounds: new Map() }),
  }) as unknown as Enforcement;
const admitted = (enforcement: Enforcement) =>
  ({
    enforcement,
    route,
    identity,
    canonical: {},
    address: '',
    decision: enforcement.decide({} as never),
  }) as unknown as Admission;
const opened = () => {
  const closed: string[] = [];
  const failures: unknown[] = [];
  const ended: ClosedStream[] = [];
  const onClose = (stream: ClosedStream) => {
    closed.push(stream.reason);
    ended.push(stream);
  };
  const streams = createStreams({ now: () => 0, onClose, onFailure: (error) => failures.push(error) });
  return { streams, closed, ended, failures };
};

test('a stream decided before a swap and opened after it does not outlive the revocation', () => {
  const [before, after] = [revision('a', true), revision('b', false)];
  const { streams, closed } = opened();
  streams.revise(after);
  streams.add({ admission: admitted(before), upgraded: true, close: () => undefined });
  streams.sweep(after);
  assert.deepEqual(closed, ['revoked']);
  assert.equal(streams.size, 0);
});

test('one that is still allowed goes on under the new revision', () => {
  const [before, after] = [revision('a', true), revision('b', true)];
  const { streams, closed, ended } = opened();
  const admission = Object.freeze(admitted(before));
  streams.add(Object.freeze({ admission, upgraded: true, close: () => undefined }));
  streams.sweep(after);
  assert.deepEqual(closed, []);
  streams.closeAll('all');
  assert.equal(ended[0]?.admission.enforcement, after);
  assert.equal(ended[0]?.admittedBy, 'a');
});

test('a stream that cannot be decided again is closed, and the others are still looked at', () => {
  const before = revision('a', true);
  // The same rules, so the lines are compared, and there are none.
  const broken = {
    ...revision('a', true),
    route: () => {
      throw new Error('ambiguous by now');
    },
  } as unknown as Enforcement;
  const { streams, closed } = opened();
  for (const upgraded of [true, false])
    streams.add({ admission: admitted(before), upgraded, close: () => undefined });
  streams.revise(broken);
  assert.deepEqual(closed, ['revoked', 'revoked']);
});

test('one that cannot be ended keeps no other one open, nor the revision from coming into force', () => {
  const [before, after] = [revision('a', true), revision('b', false)];
  const { streams, closed, failures } = opened();
  const ended: number[] = [];
  for (const at of [1, 2, 3])
    streams.add({
      admission: admitted(before),
      upgraded: true,
      close: () => {
        if (at === 2) throw new Error('no socket');
        ended.push(at);
      },
    });
  streams.revise(after);
  assert.deepEqual(
    [closed, ended.sort()],
    [
      ['revoked', 'revoked', 'revoked'],
      [1, 3],
    ],
  );
  assert.deepEqual([failures.map(String), streams.size], [['Error: no socket'], 0]);
});
