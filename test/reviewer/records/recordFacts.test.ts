import * as assert from 'node:assert/strict';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordFacts } from '../../../reviewer/records/recordFacts.ts';
import { suite } from '../../_suite.ts';
import { dayOf, writeArchive } from './_archive.ts';

const test = suite('reviewer/records: facts');
const archive = writeArchive(5);
test.after(archive.remove);
const spoiled = (): string => join(archive.copy(), 'd', 'gw-1');
const at = (home: string, day: number) => join(home, `${dayOf(day)}.ndjson`);
const whole = {
  ...{ instance: 'gw-1', files: 5, records: 20 },
  ...{ first: '2026-03-01.ndjson', last: '2026-03-05.ndjson', chained: true, wrong: [] },
};

test('files as they were written hold', async () => {
  assert.deepEqual(await recordFacts([archive.decisions]), [whole]);
  assert.deepEqual(await recordFacts([join(archive.root, 'nothing')]), []);
});

test('files of a period were begun after others, which need not be at hand', async () => {
  const home = spoiled();
  for (const day of [0, 1]) unlinkSync(at(home, day));
  assert.deepEqual(await recordFacts([home]), [
    { ...whole, files: 3, records: 12, first: '2026-03-03.ndjson' },
  ]);
  unlinkSync(at(home, 3));
  assert.deepEqual((await recordFacts([home]))[0]?.wrong, [
    '2026-03-04.ndjson is missing: 2026-03-05.ndjson was begun after it',
    'missing: numbers 13 to 16, before 2026-03-05.ndjson',
  ]);
});

test('a changed line, and one that is gone, are told in sentences', async () => {
  const home = spoiled();
  const edited = readFileSync(at(home, 1), 'utf8').replace('"allow":true', '"allow":null');
  writeFileSync(at(home, 1), edited);
  assert.deepEqual((await recordFacts([home]))[0]?.wrong, [
    '2026-03-02.ndjson was changed after 2026-03-03.ndjson was begun',
  ]);
  const lines = readFileSync(at(home, 4), 'utf8').split('\n');
  const gone = lines.findIndex((line) => line.includes('"4-1"'));
  writeFileSync(at(home, 4), lines.toSpliced(gone, 1).join('\n'));
  assert.deepEqual((await recordFacts([home]))[0]?.wrong.slice(1), [
    `missing: number 18, before line ${gone + 1} of 2026-03-05.ndjson`,
  ]);
});

test('files of before the chain bind nothing', async () => {
  const home = spoiled();
  for (const day of [1, 2, 3, 4]) unlinkSync(at(home, day));
  writeFileSync(at(home, 0), readFileSync(at(home, 0), 'utf8').replace(/,"chain":\{[^\n]*(?=\}\n)/, ''));
  const [facts] = await recordFacts([home]);
  assert.deepEqual([facts?.chained, facts?.first, facts?.wrong], [false, '2026-03-01.ndjson', []]);
});
