import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseRate } from '../../../bundle/format/rate.ts';
import { createCommonLimit } from '../../../gateway/workers/commonLimit.ts';
import { suite } from '../../_suite.ts';
import { limitsInCommon, turn } from './_commonLimits.ts';

const test = suite('limit in common');

const rates = ['1/s', '10/s', '100/s', '30/min', '100/min', '1000/h', '30/day'].map(parseRate);
type Answered = { asked: number; answered: number; left: number };

test('whatever crosses, crashes and restarts: no more gets through than with one process, and each request is answered', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('ask'),
        place: fc.nat(2),
        times: fc.integer({ min: 1, max: 12 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('up', 'down'), place: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('flow') }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('later'),
        share: fc.double({ min: 0, max: 1.2, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('crash', 'restart'), place: fc.nat(2) }) },
  );
  const run = async (
    workers: number,
    rate: (typeof rates)[number],
    steps: readonly { kind: string; place?: number; times?: number; share?: number }[],
  ) => {
    const world = limitsInCommon(workers);
    const answers: Answered[] = [];
    let open = 0;
    let crashed = false;
    for (const { kind, place = 0, times = 1, share = 0 } of steps) {
      if (kind === 'later') world.later(share * rate.periodMs);
      else if (kind === 'flow') await world.flow();
      else if (kind === 'up' || kind === 'down') world.deliver(place, kind === 'up');
      else if (kind === 'restart') await world.restart(place);
      else if (kind === 'crash') {
        crashed = true;
        world.crash(place);
      } else
        for (let time = 0; time < times; time += 1) {
          const asked = world.now();
          open += 1;
          void Promise.resolve(world.at(place).limit.limit('key', rate, asked)).then((left) => {
            open -= 1;
            answers.push({ asked, answered: world.now(), left });
          });
        }
      await turn();
    }
    await world.flow();
    // One that crashed has taken its callers with it.
    if (!crashed) assert.equal(open, 0);
    const passed = answers.filter(({ left }) => left <= 0);
    for (const { asked: from } of passed)
      for (const { answered: to } of passed) {
        if (to < from) continue;
        const within = passed.filter(({ asked, answered }) => asked >= from && answered <= to).length;
        assert.ok(
          within <= rate.count + (to - from) / rate.intervalMs + 1e-3,
          `${within} in ${to - from} ms`,
        );
      }
  };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 3 }),
      fc.constantFrom(...rates),
      fc.array(step, { maxLength: 40 }),
      run,
    ),
    { numRuns: 300 },
  );
});

test('whoever never asks for more than the rate in its period is never turned away, however the requests are spread', async () => {
  const step = fc.record({
    place: fc.nat(2),
    times: fc.integer({ min: 1, max: 40 }),
    share: fc.double({ min: 0, max: 0.6, noNaN: true }),
    restart: fc.integer({ min: 0, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 3 }),
      fc.constantFrom(...rates),
      fc.array(step, { maxLength: 30 }),
      async (workers, rate, steps) => {
        const world = limitsInCommon(workers);
        const sent: number[] = [];
        for (const { place, times, share, restart } of steps) {
          world.later(share * rate.periodMs);
          for (let time = 0; time < times; time += 1) {
            const now = world.now();
            if (sent.filter((at) => at > now - rate.periodMs).length >= rate.count) break;
            sent.push(now);
            const left = Promise.resolve(world.at(place).limit.limit('key', rate, now));
            await world.flow();
            assert.ok((await left) <= 0);
          }
          if (restart === 0) await world.restart(place);
        }
      },
    ),
    { numRuns: 100 },
  );
});

const hundred = parseRate('100/min');

test('far from the limit a worker asks once, and near it what is left is left for all', async () => {
  const world = limitsInCommon(2);
  const ask = async (place: number) => {
    const left = Promise.resolve(world.at(place).limit.limit('key', hundred, world.now()));
    await world.flow();
    return left;
  };
  assert.deepEqual([await ask(0), await ask(1), await ask(0), await ask(1)], [-98, -98, -96, -96]);
  assert.equal(world.messages(), 2);
  for (let time = 0; time < 48; time += 1) await ask(0);
  assert.equal(world.messages(), 2);
  // The first has used up its 50, the other has taken 2.
  assert.equal(await ask(0), -47);
  assert.equal(await ask(1), -46);
  for (let time = 0; time < 46; time += 1) assert.ok((await ask(time % 2)) <= 0);
  assert.equal(await ask(0), 600);
  assert.equal(await ask(1), 600);
  // Whole again, each has its part again.
  world.later(60_000);
  await ask(0);
  await ask(1);
  const before = world.messages();
  for (let time = 0; time < 60; time += 1) await ask(time % 2);
  assert.equal(world.messages(), before);
});

test('of a worker that died the part counts as used up; one that was replaced has given back what it left', async () => {
  const most = async (end: (world: ReturnType<typeof limitsInCommon>) => unknown) => {
    const world = limitsInCommon(2);
    const ask = async (place: number) => {
      const left = Promise.resolve(world.at(place).limit.limit('key', hundred, world.now()));
      await world.flow();
      return left;
    };
    await ask(0);
    await ask(1);
    await end(world);
    let passed = 2;
    for (let time = 0; time < 200; time += 1) if ((await ask(time % 2)) <= 0) passed += 1;
    return passed;
  };
  assert.equal(await most((world) => world.crash(0)), 51);
  assert.equal(await most((world) => world.restart(0)), 100);
});

test('a worker that does not give back its part is waited for, and then nothing is counted without it', async () => {
  const world = limitsInCommon(2, 20);
  const of = (place: number) => Promise.resolve(world.at(place).limit.limit('key', hundred, world.now()));
  const other = of(1);
  await world.flow();
  await other;
  const first = of(0);
  await world.flow();
  await first;
  for (let time = 0; time < 49; time += 1) assert.ok((await of(0)) <= 0);
  const stuck = of(0);
  await turn();
  world.deliver(0, true);
  assert.equal(world.at(1).down.length, 1);
  while (world.at(0).down.length === 0) await new Promise((done) => setTimeout(done, 5));
  world.deliver(0, false);
  assert.equal(await stuck, 1000);
  // It is there again.
  await world.flow();
  world.later(1000);
  const again = of(0);
  await world.flow();
  assert.equal(await again, -49);
});

test('a question that crosses the part a worker is given counts on that part', async () => {
  const world = limitsInCommon(2);
  const of = (place: number) => Promise.resolve(world.at(place).limit.limit('key', hundred, world.now()));
  const flowing = async (answer: Promise<number>) => {
    await world.flow();
    return answer;
  };
  for (let time = 0; time < 51; time += 1) await flowing(of(0));
  world.later(60_000);
  const first = of(0);
  await turn();
  world.deliver(0, true);
  const crossing = of(0);
  await turn();
  world.deliver(0, false);
  assert.equal(await first, -98);
  assert.equal(await of(0), -96);
  assert.equal(await flowing(crossing), -94);
});

test('whoever has a part of a key that was forgotten here is no stranger: others may have one too', () => {
  const collected: number[] = [];
  const answered: number[] = [];
  const common = createCommonLimit({
    workers: 2,
    running: () => [1, 2],
    // Seconds later, when patience is over, it is: nobody looks any more.
    answer: (worker) => answered.push(worker),
    collect: (worker) => collected.push(worker),
  });
  const now = 1_000_000;
  common.take(1, [{ id: 1, key: 'key', rate: hundred, owedMs: now + 60_000 }], now);
  assert.deepEqual(collected, [2]);
  assert.deepEqual(answered, [], 'before the other part is known');
});

test('workers that ended are remembered while they may owe something, and nobody waits for those that do not', async () => {
  const world = limitsInCommon(2);
  const of = async (place: number) => {
    const left = Promise.resolve(world.at(place).limit.limit('key', hundred, world.now()));
    await world.flow();
    return left;
  };
  await of(0);
  await of(1);
  for (let time = 0; time < 50; time += 1) {
    world.crash(1);
    world.later(59_999);
    world.crash(1);
    assert.equal(world.gone(), 2);
    world.later(60_000);
  }
  await world.restart(1);
  assert.equal(world.gone(), 1);
  // The first of them holds a part of the key still, as far as is known here.
  for (let time = 0; time < 100; time += 1) assert.ok((await of(0)) <= 0, String(time));
  assert.ok((await of(0)) > 0);
});
