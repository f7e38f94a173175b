import * as assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { mostRuns } from '../../../gateway/record/dayCoverage.ts';
import { decisionFiles } from '../../../gateway/record/decisionFiles.ts';
import type { NewRecord } from '../../../gateway/record/recordLine.ts';
import { openRecordWriter } from '../../../gateway/record/recordWriter.ts';
import { createUsageDay } from '../../../gateway/record/usageDay.ts';
import type { Head, UsageLine } from '../../../gateway/record/usageLine.ts';
import { mostRows } from '../../../gateway/record/useTables.ts';
import { suite } from '../../_suite.ts';
import { newRecord } from './_record.ts';

const test = suite('usageRollup');
const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'grantgate-rollup-'));
  folders.push(made);
  return made;
};
test.after.each(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

const day = '2026-11-23';
const noon = Date.parse(`${day}T12:00:00Z`);
const record = (at: number, grants: readonly string[], more: Partial<NewRecord> = {}): NewRecord =>
  newRecord(at, {
    input: { operation: 'get', mfa: at % 2 === 0 },
    result: { allow: grants.length > 0, grants, reason: grants.length > 0 ? 'granted' : 'no-grant' },
    ...more,
  });
const beat = (at: number) => ({ heartbeat: true as const, timestamp: new Date(at).toISOString() });
const headOf = (lines: readonly UsageLine[]): Head => {
  const [first] = lines;
  assert.ok(first !== undefined && 'coverage' in first);
  return first.coverage;
};
const counted = (add: (day: ReturnType<typeof createUsageDay>) => void) => {
  const one = createUsageDay(day, 'gw-1');
  add(one);
  return [...one.lines()];
};

test('a day of heartbeats alone says which number came before it', () => {
  const head = headOf(
    counted((one) => {
      one.add(beat(noon), 41);
      one.add(beat(noon + 60_000), 41);
    }),
  );
  assert.deepEqual(head.seq, [42, 41]);
  assert.deepEqual(head.runs, [[42, 41, 720, 721]]);
  assert.deepEqual([head.minutes, head.beats], [2, [[720, 722]]]);
});

test('numbers that are missing part two runs, with the minutes on both sides', () => {
  const runs = (numbers: readonly (readonly [seq: number, minute: number, beat?: true])[]) =>
    headOf(
      counted((one) => {
        for (const [seq, minute, isBeat] of numbers) {
          const at = noon + minute * 60_000;
          one.add(isBeat ? beat(at) : record(at, ['a']), seq);
        }
      }),
    ).runs;
  assert.deepEqual(
    runs([
      [1, 0],
      [2, 1],
      [3, 2],
    ]),
    [[1, 3, 720, 722]],
  );
  assert.deepEqual(
    runs([
      [1, 0],
      [3, 2],
    ]),
    [
      [1, 1, 720, 720],
      [3, 3, 722, 722],
    ],
  );
  // The heartbeat knows of two that nobody has.
  assert.deepEqual(
    runs([
      [1, 0],
      [3, 2, true],
      [4, 3],
    ]),
    [
      [1, 1, 720, 720],
      [4, 4, 722, 723],
    ],
  );
  // Begun again from 1: the same numbers twice.
  assert.deepEqual(
    runs([
      [1, 0],
      [2, 0],
      [1, 5],
    ]),
    [
      [1, 2, 720, 720],
      [1, 1, 725, 725],
    ],
  );
});

test('an end is an end only while nothing follows it', () => {
  const end = { stopped: true as const, timestamp: new Date(noon).toISOString() };
  assert.deepEqual(headOf(counted((one) => one.add(end, 7))).ends, [720]);
  const lines = counted((one) => {
    one.add(end, 7);
    one.add(record(noon + 1000, ['a']), 8);
  });
  assert.deepEqual(headOf(lines).ends, []);
});

test('tells the busiest minute, uses with a second factor, and what several grants justified together', () => {
  const lines = counted((one) => {
    let seq = 0;
    for (const ms of [0, 2, 3, 60_000, 60_001]) one.add(record(noon + ms, ['b', 'a']), ++seq);
    one.add(record(noon + 61_000, ['a']), ++seq);
  });
  const uses = lines.flatMap((line) =>
    'grant' in line ? [[line.grant, line.count, line.busiest, line.mfa]] : [],
  );
  assert.deepEqual(uses, [
    ['a', 6, 3, 4],
    ['b', 5, 3, 3],
  ]);
  assert.deepEqual(
    lines.flatMap((line) => ('together' in line ? [[line.together, line.count]] : [])),
    [[['b', 'a'], 5]],
  );
});

test('more than a day may hold is left out, and the day then vouches for nothing', () => {
  const lines = counted((one) => {
    const at = new Date(noon).toISOString();
    const base = record(noon, ['a']);
    for (let seq = 1; seq <= mostRows.denied + 10; seq += 1)
      one.add({ ...base, timestamp: at, result: { allow: false, grants: [], reason: `reason-${seq}` } }, seq);
  });
  assert.equal(lines.length, mostRows.denied + 1);
  assert.ok(headOf(lines).runs !== undefined, 'denials are no evidence of use');
  const gaps = counted((one) => {
    for (let seq = 1; seq <= mostRuns + 1; seq += 1) one.add(record(noon, ['a']), seq * 2);
  });
  assert.equal(headOf(gaps).runs, undefined);
  assert.equal(headOf(gaps).cut, true);
});

test('a decision line that cannot be read is a missing number, and stops no start', () => {
  const root = folder();
  const open = () =>
    openRecordWriter({ folder: join(root, 'd'), usage: join(root, 'u'), instance: 'gw-1', now: () => noon });
  const first = open();
  for (const ms of [0, 1, 2]) first.write(record(noon + ms, ['a']));
  first.close();
  const file = join(root, 'd', 'gw-1', `${day}.ndjson`);
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const broken of ['{"seq":2', '{}', '[]', '{"seq":2,"timestamp":"2026-11-23T12:00:00Z"}']) {
    writeFileSync(file, [...lines.slice(0, 2), broken, ...lines.slice(3)].join('\n'));
    const again = open();
    const [head] = Buffer.concat([...(again.usage?.texts(day) ?? [])])
      .toString()
      .split('\n');
    again.close();
    assert.deepEqual(
      JSON.parse(head ?? '').coverage.runs.map(([from, to]: number[]) => [from, to]),
      [
        [1, 1],
        [3, 3],
      ],
      broken,
    );
  }
});

test('a roll-up of an older version that goes on vouches for nothing, and keeps its uses', () => {
  const root = folder();
  const home = join(root, 'u', 'gw-1');
  const open = () =>
    openRecordWriter({
      folder: join(root, 'd'),
      usage: join(root, 'u'),
      state: join(root, 's'),
      instance: 'gw-1',
      now: () => noon,
    });
  const first = open();
  first.write(record(noon, ['a']));
  first.close();
  rmSync(join(root, 'd', 'gw-1', `${day}.ndjson`));
  const of = { day, instance: 'gw-1' };
  const old = [
    { ...of, coverage: { seq: [1, 1], records: 1, minutes: 1 } },
    {
      ...of,
      grant: 'a',
      operation: 'get',
      count: 1,
      first: `${day}T12:00:00.000Z`,
      last: `${day}T12:00:00.000Z`,
    },
  ];
  writeFileSync(join(home, `${day}.ndjson`), old.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const second = open();
  second.write(record(noon + 5, ['a']));
  second.close();
  const lines = readFileSync(join(home, `${day}.ndjson`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(headOf(lines).runs, undefined);
  assert.equal(lines[1].count, 2);
});

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ grants: fc.subarray(['a', 'b', 'c']), limited: fc.boolean() }) },
    { weight: 3, arbitrary: fc.constant('beat' as const) },
    { weight: 2, arbitrary: fc.constant('crash' as const) },
    { weight: 1, arbitrary: fc.constant('stop' as const) },
    { weight: 1, arbitrary: fc.constant('crash, torn' as const) },
  ),
  { maxLength: 40 },
);

test('after any crashes and restarts it says what the records say', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const root = folder();
      let now = noon + 43_100_000;
      const open = () =>
        openRecordWriter({
          ...{ folder: join(root, 'd'), usage: join(root, 'u'), state: join(root, 's') },
          ...{ instance: 'gw-1', now: () => now },
        });
      const home = join(root, 'd', 'gw-1');
      let writer = open();
      for (const step of taken) {
        now += 17_000;
        if (step === 'beat') writer.heartbeat();
        else if (step === 'stop') writer.close();
        else if (typeof step !== 'string')
          writer.write(record(now, step.grants, step.limited ? { status: 429 } : {}));
        writer.flush();
        const last = decisionFiles(home).at(-1);
        if (step === 'crash, torn' && last !== undefined)
          appendFileSync(join(home, last), '{"timestamp":"20');
        if (step === 'stop' || step === 'crash' || step === 'crash, torn') writer = open();
      }
      const told = Buffer.concat([...(writer.usage?.texts(day) ?? [])]).toString();
      const expected = decisionFiles(home).map((name) => {
        const one = createUsageDay(name.slice(0, 10), 'gw-1');
        for (const text of readFileSync(join(home, name), 'utf8').trimEnd().split('\n')) {
          const line = JSON.parse(text);
          one.add(line, line.seq);
        }
        return [...one.lines()].map((line) => `${JSON.stringify(line)}\n`).join('');
      });
      writer.close();
      assert.equal(told, expected.join(''));
    }),
    { seed: 11, numRuns: 30 },
  );
});
