import * as assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { verifyText } from '../../../reviewer/records/verifyText.ts';
import { suite } from '../../_suite.ts';
import { compress, dayMs, dayOf, firstDay, kinds, record, verified, writeArchive } from './_archive.ts';

const test = suite('reviewer/records: verify');
const archive = writeArchive(5);
test.after(archive.remove);
/** A copy to spoil: where its decision files lie. */
const spoiled = (): string => join(archive.copy(), 'd', 'gw-1');
const at = (home: string, day: number) => join(home, `${dayOf(day)}.ndjson`);

test('says from where to where a chain holds, over days and restarts', async () => {
  const verdict = await archive.verify();
  assert.deepEqual(verdict, {
    instance: 'gw-1',
    ...{ files: 5, pruned: 0, erased: 0, unchained: 0, records: 20 },
    holds: [{ from: '2026-03-01.ndjson', to: '2026-03-05.ndjson', files: 5 }],
    open: '2026-03-05.ndjson',
    breaks: [],
    gaps: [],
  });
  assert.match(
    [...verifyText([verdict])].join('\n'),
    /holds from 2026-03-01\.ndjson to 2026-03-05\.ndjson: 5 files/,
  );
});

test('compressed files verify by their content, and a copy beside them is no second file', async () => {
  const home = spoiled();
  copyFileSync(at(home, 2), join(home, 'kept'));
  compress(at(home, 0), 'gz');
  compress(at(home, 2), 'zst');
  renameSync(join(home, 'kept'), at(home, 2));
  const { breaks, gaps, files } = await verified(home);
  assert.deepEqual([breaks, gaps, files], [[], [], 5]);
  mkdirSync(join(home, '..', '..', 'archive'));
  renameSync(at(home, 1), join(home, '..', '..', 'archive', `${dayOf(1)}.ndjson`));
  assert.deepEqual(kinds(await verified(home, join(home, '..', '..', 'archive'))), [], 'other folders count');
  writeFileSync(
    join(home, `${dayOf(0)}.ndjson.gz`),
    readFileSync(join(home, `${dayOf(0)}.ndjson.gz`)).subarray(0, 200),
  );
  assert.deepEqual((await verified(home)).breaks[0]?.kind, 'unreadable');
});

test('names the file that is missing, cut, changed, swapped or doubled, and what still holds', async () => {
  const missing = spoiled();
  unlinkSync(at(missing, 1));
  unlinkSync(at(missing, 2));
  const gone = await verified(missing);
  assert.deepEqual(kinds(gone), [['missing', '2026-03-03.ndjson']]);
  assert.match(gone.breaks[0]?.sentence ?? '', /1 more before it/);
  assert.deepEqual(
    gone.holds.map(({ from, to }) => [from, to]),
    [
      ['2026-03-01.ndjson', '2026-03-01.ndjson'],
      ['2026-03-04.ndjson', '2026-03-05.ndjson'],
    ],
  );
  assert.deepEqual(
    gone.gaps.map(({ from, to, again }) => [from, to, again]),
    [[5, 12, false]],
  );

  const first = spoiled();
  unlinkSync(at(first, 0));
  assert.deepEqual(kinds(await verified(first)), [['missing', '2026-03-01.ndjson']]);

  const cut = spoiled();
  const bytes = readFileSync(at(cut, 3));
  truncateSync(at(cut, 3), bytes.lastIndexOf('\n', bytes.length - 2) + 1);
  assert.deepEqual(kinds(await verified(cut)), [['truncated', '2026-03-04.ndjson']]);

  const grown = spoiled();
  appendFileSync(
    at(grown, 3),
    '{"heartbeat":true,"timestamp":"2026-03-04T13:00:00.000Z","instance":"gw-1","seq":16}\n',
  );
  assert.deepEqual(kinds(await verified(grown)), [['changed', '2026-03-04.ndjson']]);

  const swapped = spoiled();
  renameSync(at(swapped, 1), join(swapped, 'x'));
  renameSync(at(swapped, 2), at(swapped, 1));
  renameSync(join(swapped, 'x'), at(swapped, 2));
  assert.deepEqual(kinds(await verified(swapped)), [
    ['renamed', '2026-03-03.ndjson'],
    ['renamed', '2026-03-02.ndjson'],
  ]);

  const doubled = spoiled();
  writeFileSync(
    join(doubled, '2026-03-02-1.ndjson'),
    readFileSync(at(doubled, 1), 'utf8').replaceAll('bob', 'eve'),
  );
  assert.ok(kinds(await verified(doubled)).some(([kind]) => kind === 'forked'));

  const headless = spoiled();
  const text = readFileSync(at(headless, 2), 'utf8');
  writeFileSync(at(headless, 2), text.slice(text.indexOf('\n') + 1));
  assert.deepEqual(kinds(await verified(headless)), [
    ['unchained', '2026-03-03.ndjson'],
    ['missing', '2026-03-03.ndjson'],
  ]);
});

test('finds lines that were taken out, put in another order or made no records', async () => {
  const home = spoiled();
  const lines = readFileSync(at(home, 1), 'utf8').split('\n');
  const taken = [...lines.slice(0, 3), ...lines.slice(4)];
  writeFileSync(at(home, 1), taken.join('\n'));
  const { breaks, gaps } = await verified(home);
  assert.deepEqual(
    [breaks.map(({ kind }) => kind), gaps.map(({ from, to, line, file }) => [from, to, line, file])],
    [['truncated'], [[6, 6, 4, '2026-03-02.ndjson']]],
  );
  [lines[1], lines[3]] = [lines[3] ?? '', lines[1] ?? ''];
  writeFileSync(at(home, 1), lines.join('\n'));
  const mixed = await verified(home);
  assert.deepEqual(
    mixed.breaks.map(({ kind }) => kind),
    ['changed'],
  );
  assert.ok(mixed.gaps.some(({ again }) => again));
});

test('a restart after kill -9 breaks nothing, nor do files from before the chain', async () => {
  const old = writeArchive(0);
  mkdirSync(old.home, { recursive: true });
  const line = (seq: number) =>
    `${JSON.stringify({ ...record(firstDay, 'user:bob'), instance: 'gw-1', seq })}\n`;
  writeFileSync(old.file(0), line(1));
  writeFileSync(old.file(1), line(2));
  old.clock.now = firstDay + 2 * dayMs;
  const first = old.open();
  first.write(record(old.clock.now, 'user:bob'));
  first.flush();
  // As a process that was killed leaves it: a torn line, no last word. The lock is this process's own.
  appendFileSync(old.file(2), '{"timestamp":"2026-03-03T12:0');
  old.clock.now += dayMs;
  const second = old.open();
  second.write(record(old.clock.now, 'user:bob'));
  second.close();
  const { breaks, gaps, holds, unchained } = await old.verify();
  assert.deepEqual([breaks, gaps, unchained], [[], [], 2]);
  assert.deepEqual(holds, [{ from: '2026-03-02.ndjson', to: '2026-03-04.ndjson', files: 3 }]);
  writeFileSync(old.file(1), line(2).replace('bob', 'eve'));
  assert.deepEqual(kinds(await old.verify()), [['changed', '2026-03-02.ndjson']]);
  unlinkSync(old.file(1));
  assert.deepEqual(kinds(await old.verify()), [['missing', '2026-03-02.ndjson']]);
  old.remove();
});

test('no byte can be changed in a file that another follows, and no such file taken away, unnoticed', async () => {
  const home = spoiled();
  const whole = [0, 1, 2, 3].map((day) => readFileSync(at(home, day)));
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      async (day, where, change) => {
        const bytes = Buffer.from(whole[day] ?? '');
        const index = Math.floor(where * bytes.length);
        bytes[index] = (bytes[index] ?? 0) ^ change;
        writeFileSync(at(home, day), bytes);
        const spoilt = await verified(home);
        writeFileSync(at(home, day), whole[day] ?? '');
        assert.ok(spoilt.breaks.length > 0, `byte ${index} of day ${day}`);
      },
    ),
    { seed: 7, numRuns: 30 },
  );
  assert.deepEqual(kinds(await verified(home)), []);
});
