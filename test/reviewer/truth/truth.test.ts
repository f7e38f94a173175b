import * as assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { random } from '../../../demo/random.ts';
import { suite } from '../../_suite.ts';
import { damaged, type Logs } from './_damaged.ts';
import { plantOrganisation, score, type Truth } from './_organisation.ts';

const test = suite('detectors against known truth');
let truth: Truth;
test.before(async () => {
  truth = await plantOrganisation('truth');
});
test.after(() => truth.here.remove());

const byUse = new Set(['never-used', 'dormant', 'over-privileged', 'redundant']);

async function scores(logs: Logs, hasGaps = false) {
  await rm(truth.here.decisions, { recursive: true, force: true });
  for (const [instance, lines] of logs) await truth.here.log(lines, instance);
  const { plan } = await truth.here.review();
  return score(plan, truth.planted, hasGaps);
}

test('with all evidence each detector reports what was planted for it, and nothing else', async () => {
  for (const one of await scores(truth.logs)) {
    assert.deepEqual(one.wrong, []);
    assert.deepEqual(one.missed, []);
    assert.ok(one.planted >= 2, one.detector);
  }
});

test('with gaps nothing is reported that is not so, and what needs no records is found all the same', async () => {
  // What part of a gap may be overlooked is a threshold; here none may.
  await truth.ask(1);
  const draw = random('gaps');
  for (let run = 0; run < 8; run += 1)
    for (const one of await scores(damaged(truth.logs, draw), true)) {
      assert.deepEqual(one.wrong, []);
      if (!byUse.has(one.detector)) assert.deepEqual(one.missed, []);
    }
});
