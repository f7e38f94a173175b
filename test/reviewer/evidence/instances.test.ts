import * as assert from 'node:assert/strict';
import { instancesOf } from '../../../reviewer/evidence/instances.ts';
import type { Rollups } from '../../../reviewer/evidence/rollups.ts';
import { minutesOf } from '../../../reviewer/evidence/usageSql.ts';
import { suite } from '../../_suite.ts';

const test = suite('instances');

test('an end counts where records and roll-ups both say so, or the other knows nothing of the minute', async () => {
  const span = (from: number, to = from + 1) => ({ instance: 'gw', from, to });
  const records = [
    ...[span(0, 8), span(12), span(15), span(30)].map((one) => ({ ...one, kind: 'seen' })),
    ...[span(12), span(15), span(30)].map((one) => ({ ...one, kind: 'end' })),
  ];
  const rollups: Rollups = {
    ...{
      lives: [{ instance: 'gw', next: 1 }],
      beats: [],
      repeats: [],
      latest: [],
      faulty: [],
      unreadable: [],
    },
    ...{ seen: [span(0, 20)], ends: [span(5), span(10), span(12)] },
  };
  const [gw] = await instancesOf(async (sql) => (sql === minutesOf ? records : []), rollups, {
    ...{ asOfMs: 0, nowMs: 0 },
  });
  assert.deepEqual(
    gw?.ends.toSorted((a, b) => a - b),
    [10, 12, 30],
  );
  assert.deepEqual([gw?.first, gw?.last, gw?.whole], [0, 30, true]);
});
