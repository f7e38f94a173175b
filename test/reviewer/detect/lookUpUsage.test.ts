import * as assert from 'node:assert/strict';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { lookUpUsage } from '../../../reviewer/detect/lookUpUsage.ts';
import type { Evidence } from '../../../reviewer/evidence/gather.ts';
import { suite } from '../../_suite.ts';

const test = suite('the use of grants');

/** How much of a window from 100 to 1000 is said to be covered, when all of it is and the history begins there. */
async function covered(historyFrom: number | null): Promise<number[]> {
  const evidence = {
    asOf: 1000,
    coverage: { share: () => 1, lost: () => 0, instances: [] },
    history: { from: historyFrom },
    usage: {
      windows: async (asked: readonly unknown[]) => asked.map(() => null),
      companions: async () => [],
    },
  } as unknown as Evidence;
  const shares: number[] = [];
  const asked = [{ grant: { id: 'a' } as Grant, windows: { dormant: 100 } }];
  for await (const [, used] of lookUpUsage(evidence, asked))
    for (const seen of used) shares.push(seen.get('dormant')?.facts.coverage ?? Number.NaN);
  return shares;
}

test('silence counts as far back as the history of a clone reaches, and no further', async () => {
  assert.deepEqual(await covered(null), [1]);
  assert.deepEqual(await covered(99), [1]);
  assert.deepEqual(await covered(100), [1]);
  assert.deepEqual(await covered(101), [0]);
});
