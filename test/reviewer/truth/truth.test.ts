import * as assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { type Random, random } from '../../../demo/random.ts';
import { suite } from '../../_suite.ts';
import { plantOrganisation, score, type Truth } from './_organisation.ts';

const test = suite('detectors against known truth');
let truth: Truth;
test.before(async () => {
  truth = await plantOrganisation('truth');
});
test.after(() => truth.here.remove());

type Logs = ReadonlyMap<string, readonly string[]>;
const byUse = new Set(['never-used', 'dormant', 'over-privileged', 'redundant']);

async function scores(logs: Logs) {
  await rm(truth.here.decisions, { recursive: true, force: true });
  for (const [instance, lines] of logs) await truth.here.log(lines, instance);
  const { plan } = await truth.here.review();
  return score(plan, truth.planted);
}

test('with all evidence each detector reports what was planted for it, and nothing else', async () => {
  for (const one of await scores(truth.logs)) {
    assert.deepEqual(one.wrong, []);
    assert.deepEqual(one.missed, []);
    assert.ok(one.planted >= 2, one.detector);
  }
});

/** One thing that happens to logs: lines, records or heartbeats are lost in places, or all of one gateway. */
function damaged(logs: Logs, draw: Random): Logs {
  const hit = draw.pick([...logs.keys()]);
  const kind = draw.below(5);
  return new Map(
    [...logs].map(([instance, lines]) => {
      if (instance !== hit) return [instance, lines];
      const from = draw.below(lines.length);
      const end = from + 1 + draw.below(Math.ceil((lines.length - from) / 2));
      if (kind === 0) return [instance, []];
      if (kind === 1) return [instance, lines.slice(0, from)];
      if (kind === 2) return [instance, lines.slice(Math.max(1, from))];
      const isLost = (line: string, at: number) =>
        at >= from && at < end && (kind === 3 || !line.includes('"heartbeat"'));
      return [instance, lines.filter((line, at) => !isLost(line, at))];
    }),
  );
}

test('with gaps nothing is reported that is not so, and what needs no records is found all the same', async () => {
  // What part of a gap may be overlooked is a threshold; here none may.
  await truth.ask(1);
  const draw = random('gaps');
  for (let run = 0; run < 8; run += 1)
    for (const one of await scores(damaged(truth.logs, draw))) {
      assert.deepEqual(one.wrong, []);
      if (!byUse.has(one.detector)) assert.deepEqual(one.missed, []);
    }
});
