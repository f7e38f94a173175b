import * as assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseConfig } from '../../../gateway/config/config.ts';
import type { Admission } from '../../../gateway/decision/admission.ts';
import { createStreams } from '../../../gateway/streams/streams.ts';
import { createTrustedStreams } from '../../../gateway/streams/trustedStreams.ts';
import { isStillTrusted } from '../../../gateway/trustedBy.ts';
import { suite } from '../../_suite.ts';

const test = suite('trustedStreams');

const configOf = (...issuers: string[]) =>
  parseConfig(
    {
      bundle: { source: 'git+file:///srv/access.git' },
      issuers: issuers.map((issuer) => ({ issuer, audience: 'a' })),
    },
    '/srv/gateway.yaml',
  );
const [one, other] = ['https://one.example.com', 'https://other.example.com'];
const admitted = (id: string, issuer: string | null) =>
  ({
    id,
    enforcement: { snapshot: { revision: 'a' } },
    identity: issuer === null ? {} : { proof: { method: 'jwt', issuer } },
  }) as unknown as Admission;

test('a stream that begins just after its issuer was removed ends at once, and no other does', async () => {
  const closed: string[] = [];
  const streams = createStreams({
    now: () => 0,
    onClose: ({ admission }) => closed.push(admission.id),
    onFailure: () => undefined,
  });
  let next = configOf(one, other);
  const doubted = createTrustedStreams(streams, (admission) =>
    isStillTrusted(configOf(one, other), next, admission),
  );
  const add = (id: string, issuer: string | null) =>
    doubted.add({ admission: admitted(id, issuer), upgraded: true, close: () => undefined });
  add('before', other);
  await nextTurn();
  assert.deepEqual(closed, []);
  next = configOf(one);
  add('late', other);
  add('believed', one);
  add('key', null);
  await nextTurn();
  assert.deepEqual(closed, ['late']);
  assert.equal(streams.size, 3);
});
