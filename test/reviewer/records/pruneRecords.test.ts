import * as assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { keepFrom } from '../../../commands/arguments/keepFrom.ts';
import { UsageError } from '../../../commands/arguments/usageError.ts';
import { openRecordWriter } from '../../../gateway/record/recordWriter.ts';
import { missingRollups } from '../../../reviewer/records/missingRollups.ts';
import { pruneRecords } from '../../../reviewer/records/pruneRecords.ts';
import { readArchives } from '../../../reviewer/records/readArchive.ts';
import { suite } from '../../_suite.ts';
import {
  compress,
  dayMs,
  dayOf,
  evidence,
  firstDay,
  kinds,
  record,
  verified,
  writeArchive,
} from './_archive.ts';

const test = suite('reviewer/records: prune');
const days = 5;
const archive = writeArchive(days);
const busy = writeArchive(1);
test.after(() => {
  archive.remove();
  busy.remove();
});

/** A copy to prune, everything before `keep` from its first day. */
function world(keep = 3) {
  const root = archive.copy();
  const home = join(root, 'd', 'gw-1');
  return {
    ...{ root, home, decisions: join(root, 'd'), usage: join(root, 'u') },
    file: (day: number) => join(home, `${dayOf(day)}.ndjson`),
    rollup: (day: number) => join(root, 'u', 'gw-1', `${dayOf(day)}.ndjson`),
    manifest: join(home, 'manifest.jsonl'),
    prune: (apply: boolean, today = dayOf(days)) =>
      pruneRecords({
        ...{ decisions: join(root, 'd'), usage: join(root, 'u'), apply, today },
        ...{ keepFrom: dayOf(keep), nowMs: firstDay + days * dayMs },
      }),
  };
}
const reopen = (root: string, now: number) =>
  openRecordWriter({
    ...{ folder: join(root, 'd'), usage: join(root, 'u'), state: join(root, 's'), instance: 'gw-1' },
    now: () => now,
  });
const refusals = (pruned: Awaited<ReturnType<typeof pruneRecords>>) =>
  pruned.flatMap(({ day, refused }) => (refused === null ? [] : [`${day} ${refused}`]));

test('removes whole days that their roll-ups tell exactly; chain and coverage stay what they were', async () => {
  const { prune, file, home, decisions, usage, manifest } = world();
  const before = await evidence(decisions, usage, days);
  const planned = await prune(false);
  assert.deepEqual(
    planned.map(({ day, records, refused }) => [day, records, refused]),
    [0, 1, 2].map((day) => [dayOf(day), 4, null]),
  );
  assert.ok(existsSync(file(0)) && !existsSync(manifest), 'a dry run changes nothing');
  await prune(true);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((day) => existsSync(file(day))),
    [false, false, false, true, true],
  );
  assert.deepEqual(await evidence(decisions, usage, days), before);
  const verdict = await verified(home);
  assert.deepEqual([verdict.breaks, verdict.gaps, verdict.pruned, verdict.records], [[], [], 3, 20]);
  assert.deepEqual(await prune(true), [], 'a second run finds nothing');
  assert.equal(readFileSync(manifest, 'utf8').trimEnd().split('\n').length, 3);
});

test('refuses by name a day without a roll-up, or with one that tells more, less or otherwise', async () => {
  const { prune, rollup, file } = world();
  unlinkSync(rollup(0));
  writeFileSync(rollup(1), readFileSync(rollup(1), 'utf8').replace('"count":4', '"count":5'));
  truncateSync(rollup(2), readFileSync(rollup(2)).lastIndexOf('\n', readFileSync(rollup(2)).length - 2) + 1);
  const [missing = '', other = '', less = ''] = refusals(await prune(true));
  assert.match(missing, /^2026-03-01 there is no roll-up/);
  assert.match(other, /^2026-03-02 .* tells otherwise of the use of/);
  assert.match(less, /^2026-03-03 .* does not tell of/);
  assert.ok(existsSync(file(0)) && existsSync(file(1)) && existsSync(file(2)));
  copyFileSync(rollup(3), rollup(0));
  appendFileSync(rollup(1), '{"day":"2026-03-02","instance":"gw-1","grant":"x","operation":"y","count":1}\n');
  assert.equal(refusals(await prune(true)).length, 3);
});

test('refuses a file that was changed, that nothing vouches for, or that cannot be read', async () => {
  const { prune, file, manifest } = world();
  // The roll-up would say the same of it.
  writeFileSync(file(0), readFileSync(file(0), 'utf8').replaceAll('bob', 'eve'));
  appendFileSync(file(1), '{"seq":"no number"}\n');
  compress(file(2), 'gz');
  truncateSync(`${file(2)}.gz`, 100);
  const [changed = '', malformed = '', cut = ''] = refusals(await prune(true));
  assert.match(changed, /is not what 2026-03-02\.ndjson was begun after/);
  assert.match(malformed, /line \d+ of 2026-03-02\.ndjson is no record/);
  assert.match(cut, /cannot be read/);
  assert.ok(!existsSync(manifest));
  const next = world(2);
  unlinkSync(next.file(2));
  assert.match(refusals(await next.prune(true))[0] ?? '', /^2026-03-02 the file after .* is missing/);
});

test('never touches today or the file that is being written; of a gateway that is gone all may go', async () => {
  const { prune, file, home, root } = world(9);
  assert.deepEqual(
    (await prune(false, dayOf(2))).map(({ day }) => day),
    [dayOf(0), dayOf(1)],
  );
  // Of whom the lock is, nobody can tell from here: it may be of another machine.
  writeFileSync(join(home, '.lock'), '1');
  assert.match(refusals(await prune(true, dayOf(9)))[0] ?? '', /^2026-03-05 .* is being written.* remove/);
  assert.ok(existsSync(file(4)) && !existsSync(file(3)));
  rmSync(join(home, '.lock'));
  assert.deepEqual(refusals(await prune(true, dayOf(9))), []);
  assert.deepEqual(kinds(await verified(home)), []);
  // It comes back after all, on a machine that knows no more of it than these folders.
  rmSync(join(root, 's'), { recursive: true });
  const writer = reopen(root, firstDay + 9 * dayMs);
  writer.write(record(firstDay + 9 * dayMs, 'user:bob'));
  writer.close();
  const { breaks, gaps, holds } = await verified(home);
  assert.deepEqual([breaks, gaps], [[], []]);
  assert.deepEqual(holds, [{ from: '2026-03-01.ndjson', to: `${dayOf(9)}.ndjson`, files: 6 }]);
});

test('broken off anywhere it leaves a chain that holds, and goes on', async () => {
  const done = world();
  await done.prune(true);
  const notes = readFileSync(done.manifest);
  const first = notes.indexOf('\n') + 1;
  // Torn in its first note; the first note; all notes; each time with more files gone, as far as they may be.
  for (const [length, gone] of [
    [first - 10, []],
    [first, []],
    [first, [0]],
    [notes.length - 5, [0]],
    [notes.length, [0, 1]],
  ] as const) {
    const { prune, file, home, manifest } = world();
    writeFileSync(manifest, notes.subarray(0, length));
    for (const day of gone) unlinkSync(file(day));
    assert.deepEqual(kinds(await verified(home)), [], `${length} ${gone}`);
    assert.deepEqual(refusals(await prune(true)), []);
    assert.deepEqual([kinds(await verified(home)), existsSync(file(2))], [[], false]);
    assert.deepEqual(readFileSync(manifest), notes);
  }
});

test('notes that are changed or taken out show, and so does a manifest that later files know and is gone', async () => {
  const { prune, home, manifest, root } = world();
  await prune(true);
  const notes = readFileSync(manifest, 'utf8');
  const lines = notes.trimEnd().split('\n');
  writeFileSync(manifest, `${[lines[0], lines[2]].join('\n')}\n`);
  assert.deepEqual(
    kinds(await verified(home)).map(([kind]) => kind),
    ['manifest', 'missing'],
  );
  writeFileSync(manifest, notes.replace('"records":4', '"records":3'));
  assert.equal((await verified(home)).breaks[0]?.kind, 'manifest');
  writeFileSync(manifest, notes);
  const writer = reopen(root, firstDay + days * dayMs);
  writer.heartbeat();
  writer.close();
  assert.deepEqual(kinds(await verified(home)), [], 'a gateway goes on beside it');
  // The last note was altered, and nothing but the next header could tell.
  writeFileSync(manifest, notes.replace(/"lines":(\d+)(?=[^\n]*\n$)/, '"lines":99'));
  assert.deepEqual(kinds(await verified(home)), [['manifest', `${dayOf(days)}.ndjson`]]);
});

test('a roll-up that a pruned day was left to must stay what it was', async () => {
  const { prune, decisions, usage, rollup } = world();
  await prune(true);
  const [archive] = await readArchives([decisions]);
  assert.ok(archive !== undefined);
  assert.deepEqual(await missingRollups(archive, usage), []);
  unlinkSync(rollup(0));
  appendFileSync(rollup(2), '\n');
  assert.deepEqual(
    (await missingRollups(archive, usage)).map(({ kind, file }) => [kind, file]),
    [
      ['rollup', rollup(0)],
      ['rollup', rollup(2)],
    ],
  );
});

test('finds an instance by what its files say, wherever they lie, and a day of several files', async () => {
  const root = archive.copy();
  const moved = join(root, 'archive', 'of-2026', 'gateway one');
  mkdirSync(moved, { recursive: true });
  for (const day of [0, 1])
    renameSync(join(root, 'd', 'gw-1', `${dayOf(day)}.ndjson`), join(moved, `${dayOf(day)}.ndjson`));
  const all = (apply: boolean, decisions: string) =>
    pruneRecords({
      ...{ decisions, usage: join(root, 'u'), apply, keepFrom: dayOf(3), today: dayOf(9), nowMs: firstDay },
    });
  const old = await all(true, join(root, 'archive'));
  assert.deepEqual(
    old.map(({ instance, day, refused }) => [instance, day, refused]),
    [0, 1].map((day) => ['gw-1', dayOf(day), null]),
  );
  await all(true, join(root, 'd', 'gw-1'));
  const { breaks, gaps, pruned } = await verified(join(root, 'archive'), join(root, 'd'));
  assert.deepEqual([breaks, gaps, pruned], [[], [], 3], 'each folder has a manifest of its own');
  await assert.rejects(all(false, join(root, 'u', 'nowhere')), /there are no decision files/);

  for (const restart of ['gz', 'zst'] as const) {
    const last =
      busy
        .names()
        .filter((name) => name.endsWith('.ndjson'))
        .at(-1) ?? '';
    compress(join(busy.home, last), restart);
    const writer = busy.open();
    writer.write(record(busy.clock.now, 'user:bob', restart));
    writer.close();
  }
  busy.clock.now += 2 * dayMs;
  const after = busy.open();
  after.heartbeat();
  after.close();
  const several = await pruneRecords({
    ...{ decisions: busy.decisions, usage: busy.usage, apply: true, keepFrom: dayOf(1), today: dayOf(9) },
    nowMs: firstDay,
  });
  assert.deepEqual(
    several.map(({ files, records, refused }) => [files.length, records, refused]),
    [[3, 6, null]],
  );
  assert.deepEqual(kinds(await busy.verify()), []);
});

test('two cannot prune one instance at once', async () => {
  const { prune, home } = world();
  writeFileSync(join(home, '.manifest.lock'), '1');
  await assert.rejects(prune(true), (error: Error & { code?: string }) => error.code === 'records-in-use');
  assert.equal(refusals(await prune(false)).length, 0, 'a dry run may look');
});

test('what is kept is told in days, months or years of the calendar', () => {
  const now = Date.parse('2026-03-31T10:00:00Z');
  assert.deepEqual(
    ['13mo', '1mo', '400d', '2y', '1d'].map((text) => keepFrom(text, now)),
    ['2025-02-28', '2026-02-28', '2025-02-24', '2024-03-31', '2026-03-30'],
  );
  for (const text of ['', '0d', '13', 'mo', '13m', '-1d', '1.5y', '13 mo', '12345d'])
    assert.throws(() => keepFrom(text, now), UsageError, text);
});
