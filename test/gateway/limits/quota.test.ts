import * as assert from 'node:assert/strict';
import type { Admission } from '../../../gateway/decision/admission.ts';
import { newMemory } from '../../../gateway/decision/decision.ts';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { createQuota } from '../../../gateway/limits/quota.ts';
import { suite } from '../../_suite.ts';

const test = suite('quota');

/** One decision of a principal at an API, which may answer several requests. */
const decided = (subject: string, api = 'orders') =>
  ({
    route: { api },
    identity: { subject },
    enforcement: { snapshot: { apis: new Map() } },
    decision: {
      result: { grants: [] },
      bounds: new Map(),
      holds: { from: 0, until: 1 },
      memory: newMemory(),
    },
  }) as unknown as Admission;

function world(concurrency: number, mostIdle?: number) {
  const quota = createQuota({
    ...{ limit: () => 0, concurrency: () => concurrency },
    ...(mostIdle !== undefined && { mostIdle }),
  });
  return async (admission: Admission): Promise<(() => void) | string> => {
    const ends: (() => void)[] = [];
    const refusal = await quota(admission, 0, {
      destroyed: false,
      onEnd: (listener) => void ends.push(listener),
    });
    assert.ok(refusal === null || refusal instanceof Refusal);
    return (
      refusal?.code ??
      (() => {
        for (const end of ends) end();
      })
    );
  };
}
const end = (open: (() => void) | string | undefined) => {
  assert.ok(typeof open === 'function');
  open();
};

test('counts a principal at an API, whichever decision let it in', async () => {
  const enter = world(2);
  const first = await enter(decided('user:ann'));
  await enter(decided('user:ann'));
  const ann = decided('user:ann');
  assert.equal(await enter(ann), 'concurrency-exceeded');
  assert.equal(typeof (await enter(decided('user:bob'))), 'function');
  assert.equal(typeof (await enter(decided('user:ann', 'payments'))), 'function');
  end(first);
  assert.equal(typeof (await enter(ann)), 'function');
  assert.equal(await enter(ann), 'concurrency-exceeded');
});

test('who calls what is public is counted by where the call comes from, though one decision answers all', async () => {
  const enter = world(1);
  const shared = decided('anonymous');
  const from = (address: string) => ({ ...shared, address });
  const first = await enter(from('203.0.113.1'));
  assert.equal(await enter(from('203.0.113.1')), 'concurrency-exceeded');
  assert.equal(typeof (await enter(from('203.0.113.2'))), 'function');
  assert.equal(typeof (await enter(from('2001:db8::1'))), 'function');
  assert.equal(await enter(from('2001:db8::2')), 'concurrency-exceeded');
  end(first);
  assert.equal(typeof (await enter(from('203.0.113.1'))), 'function');
});

test('forgets who has nothing open, and nobody else', async () => {
  const enter = world(1, 100);
  const kept = decided('user:kept');
  const open = await enter(kept);
  const idle = decided('user:idle');
  end(await enter(idle));
  // Enough others to make it forget several times, some of them with a request open.
  const others = await Promise.all(
    Array.from({ length: 250 }, (_, index) => enter(decided(`user:${index}`))),
  );
  for (const [index, other] of others.entries()) if (index % 2 === 0) end(other);
  for (let index = 300; index < 800; index += 1) end(await enter(decided(`user:${index}`)));
  assert.equal(await enter(kept), 'concurrency-exceeded');
  assert.equal(await enter(decided('user:kept')), 'concurrency-exceeded');
  assert.equal(await enter(decided('user:1')), 'concurrency-exceeded');
  // One decision remembers a counter that was forgotten, another one finds the new one: both count together.
  assert.equal(idle.decision.memory.open?.dropped, true);
  const again = await enter(idle);
  assert.equal(typeof again, 'function');
  assert.equal(await enter(decided('user:idle')), 'concurrency-exceeded');
  end(again);
  end(open);
  assert.equal(typeof (await enter(decided('user:kept'))), 'function');
});
