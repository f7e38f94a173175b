import * as assert from 'node:assert/strict';
import { createChanges } from '../../../gateway/workers/changes.ts';
import { createRestart } from '../../../gateway/workers/restart.ts';
import { suite } from '../../_suite.ts';

const test = suite('restart');

function world(count: number) {
  const did: string[] = [];
  const said: string[] = [];
  const state = { isClosing: false, fault: null as Error | null };
  const slots = Array.from({ length: count }, (_, at) => {
    const slot = {
      number: at + 1,
      worker: {} as never,
      state: 'serving' as 'serving' | 'starting' | 'down',
      counter: 1 as number | null,
      stop: async () => {
        did.push(`stop ${slot.number}`);
        slot.state = 'down';
      },
      start: async () => {
        did.push(`start ${slot.number}`);
        slot.state = 'starting';
        setImmediate(() => {
          slot.state = 'serving';
          changes.happened();
        });
      },
    };
    return slot;
  });
  const changes = createChanges();
  const restart = createRestart({
    slots,
    assertStartable: () => {
      if (state.fault !== null) throw state.fault;
    },
    until: (met) => changes.until(met, 5000),
    isClosing: () => state.isClosing,
    onReplaced: () => undefined,
    log: { info: () => undefined, error: (_: unknown, text?: string) => void said.push(text ?? '') } as never,
  });
  return { restart, state, did, said };
}
const round = ['stop 1', 'start 1', 'stop 2', 'start 2'];

test('one worker after the other, each once the one before serves', async () => {
  const { restart, did } = world(2);
  await restart();
  assert.deepEqual(did, round);
});

test('whoever asks meanwhile gets a round of its own, all of them one', async () => {
  const { restart, did } = world(2);
  const first = restart();
  await Promise.all([first, restart(), restart()]);
  assert.deepEqual(did, [...round, ...round]);
  await restart();
  assert.deepEqual(did, [...round, ...round, ...round]);
});

test('what no worker could start by replaces none, and says so; nor does one that is closing', async () => {
  const { restart, state, did, said } = world(2);
  state.fault = new Error('gateway.yaml');
  await restart();
  assert.deepEqual([did, said], [[], ['restart stopped half way']]);
  [state.fault, state.isClosing] = [null, true];
  await restart();
  assert.deepEqual(did, []);
});

test('whoever waits hears of a change, or that the time is up', async () => {
  const changes = createChanges();
  let met = false;
  const waiting = [changes.until(() => met, 60_000), changes.until(() => met, 60_000)];
  changes.happened();
  met = true;
  changes.happened();
  assert.deepEqual(await Promise.all(waiting), [true, true]);
  assert.equal(await changes.until(() => false, 0), false);
});
