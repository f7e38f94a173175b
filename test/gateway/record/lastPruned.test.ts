import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastPruned, manifestName } from '../../../gateway/record/lastPruned.ts';
import { suite } from '../../_suite.ts';

const test = suite('lastPruned');
const home = mkdtempSync(join(tmpdir(), 'grantgate-pruned-'));
test.after(() => rmSync(home, { recursive: true }));

const pruned = (file: string, place: number | null, seq: [number, number] | null) =>
  JSON.stringify({
    pruned: { file, sha256: 'ab', bytes: 10, chain: place === null ? null : { place }, seq },
  });
const last = (...lines: string[]) => {
  writeFileSync(join(home, manifestName), lines.map((line) => `${line}\n`).join(''));
  return lastPruned(home);
};

test('is the file with the furthest place or number, in whichever order they were noted', () => {
  assert.equal(lastPruned(home), null);
  const facts = { sha256: 'ab', bytes: 10 };
  assert.deepEqual(last(pruned('a', 1, [1, 5]), pruned('b', 2, [6, 9])), {
    ...{ file: 'b', place: 2, seq: 9 },
    ...facts,
  });
  assert.equal(last(pruned('b', 2, [6, 9]), pruned('a', 1, [1, 5]))?.file, 'b');
  assert.equal(
    last(pruned('a', null, [1, 5]), pruned('b', null, [6, 9]), pruned('c', null, null))?.file,
    'b',
  );
  // Of two files, the second may hold heartbeats only.
  const [busy, idle] = [pruned('a', 1, [1, 9]), pruned('b', 2, [10, 9])];
  for (const lines of [
    [busy, idle],
    [idle, busy],
  ])
    assert.equal(last(...lines)?.file, 'b');
  assert.deepEqual(last(pruned('a', null, null)), { file: 'a', place: 0, seq: 0, ...facts });
});

test('a line that notes something else, or is torn, is passed over', () => {
  assert.equal(last(JSON.stringify({ erased: { file: 'x' } }), '{"pruned":{"fi', '', 'null'), null);
  assert.equal(last(pruned('a', 1, [1, 5]), JSON.stringify({ erased: {} }), '{"pruned":')?.file, 'a');
});
