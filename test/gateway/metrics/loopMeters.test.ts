import * as assert from 'node:assert/strict';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createLoopMeters } from '../../../gateway/metrics/loopMeters.ts';
import { suite } from '../../_suite.ts';

const test = suite('metrics of the event loop');

test('a turn is told as long as it took, by the names of prom-client, and waiting is none of it', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  createLoopMeters(ours);
  collectDefaultMetrics({ register: theirs, eventLoopMonitoringPrecision: 2 ** 31 - 1 });
  const namesIn = async (registry: Registry) =>
    (await registry.getMetricsAsJSON()).map(({ name, aggregator }) => `${name} ${aggregator}`).sort();
  assert.deepEqual(await namesIn(ours), await namesIn(theirs));

  const lag = async (measure: string) => {
    const text = await ours.metrics();
    return Number(new RegExp(`^nodejs_eventloop_lag_${measure}_seconds (\\S+)$`, 'm').exec(text)?.[1]);
  };
  // What came before, this test's own beginning too.
  await nextTurn();
  await lag('max');
  for (const end = performance.now() + 50; performance.now() < end; );
  await nextTurn();
  assert.ok((await lag('max')) >= 0.05);
  // A timer that samples it every 10 ms never tells less than nearly that; one wait is a turn of nearly nothing.
  let least = 1;
  for (let tries = 0; tries < 100 && least >= 0.005; tries += 1) {
    await wait(20);
    least = Math.min(least, (await lag('min')) || 1);
  }
  assert.ok(least < 0.005, `${least}`);
});
