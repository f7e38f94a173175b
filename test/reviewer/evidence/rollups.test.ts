import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { createUsageDay } from '../../../gateway/record/usageDay.ts';
import { coverageOf } from '../../../reviewer/evidence/coverage.ts';
import { keepUsage, readUsage, type Usage } from '../../../reviewer/evidence/usage.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, dayMs, recordLine } from '../_review.ts';
import { rollupsOf } from '../_rollups.ts';

const test = suite('rollups');
let folder = '';
const opened: Usage[] = [];
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-rollups-test-'));
});
test.after.each(async () => {
  for (const usage of opened.splice(0)) await usage.close();
  await rm(folder, { recursive: true, force: true });
});

const seconds = asOfMs / 1000;
const put = async (path: string, lines: readonly string[]) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), lines.map((line) => `${line}\n`).join(''));
};
const open = async (at = seconds, now?: number) => {
  const usage = await readUsage({
    ...{ sources: [join(folder, 'decisions')], rollups: [join(folder, 'usage')] },
    ...{ asOf: at, readAt: now, since: seconds - 6 * 86_400 },
  });
  opened.push(usage);
  return usage;
};
/** Everything that a review asks. */
async function told() {
  const usage = await open();
  const coverage = coverageOf(usage.instances);
  const froms = [0.5, 1, 1.7, 2, 3, 5].map((days) => seconds - days * 86_400);
  const asked = froms.flatMap((from) => ['a', 'b', 'c'].map((grant) => ({ grant, from })));
  return {
    uses: await usage.uses(),
    windows: await usage.windows(asked),
    companions: await usage.companions(asked),
    lost: froms.map((from) => coverage.lost(from, seconds)),
    instances: usage.instances.map(({ instance, first, last, whole }) => ({ instance, first, last, whole })),
    records: usage.records,
  };
}

const heartbeat = (at: number, instance: string, seq: number) =>
  JSON.stringify({ heartbeat: true, timestamp: new Date(at).toISOString(), instance, seq });
const stopped = (at: number, instance: string, seq: number) =>
  JSON.stringify({ stopped: true, timestamp: new Date(at).toISOString(), instance, seq });

const step = fc.record({
  /** How long after the one before. */
  pause: fc.oneof(fc.nat(90_000), fc.nat(9 * 3_600_000)),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('use', 'both', 'denied', 'limited') },
    { weight: 4, arbitrary: fc.constant('beat') },
    { weight: 1, arbitrary: fc.constantFrom('stop', 'lose') },
  ),
  grant: fc.constantFrom('a', 'b', 'c'),
  operation: fc.constantFrom('get', 'list'),
});
type Step = { pause: number; kind: string; grant: string; operation: string };

function logOf(steps: readonly Step[], instance: string): string[] {
  let at = asOfMs - 4 * dayMs;
  let seq = 0;
  return steps.flatMap(({ pause, kind, grant, operation }) => {
    at += pause;
    if (at > asOfMs) return [];
    if (kind === 'beat') return [heartbeat(at, instance, seq)];
    if (kind === 'stop') return [stopped(at, instance, seq)];
    seq += 1;
    if (kind === 'lose') return [];
    const grants = kind === 'both' ? ['a', 'b'] : grant;
    const more = kind === 'limited' ? { status: 429 } : {};
    return [recordLine({ grant: grants, operation, at, allow: kind !== 'denied', ...more }, instance, seq)];
  });
}
const dayOf = (line: string) => JSON.parse(line).timestamp.slice(0, 10) as string;

test('roll-ups say what the records say, and days in both are counted once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 30 })),
      fc.infiniteStream(fc.constantFrom('records', 'rollup', 'both', 'part')),
      async (both, where) => {
        const logs = both.map((steps, index) => ({
          instance: `gw-${index}`,
          lines: logOf(steps, `gw-${index}`),
        }));
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder);
        for (const { instance, lines } of logs) await put(`decisions/${instance}/all.ndjson`, lines);
        const expected = await told();
        await rm(join(folder, 'decisions'), { recursive: true });
        for (const { instance, lines } of logs)
          for (const [day, rollup] of rollupsOf(lines, instance)) {
            const ofDay = lines.filter((line) => dayOf(line) === day);
            const choice = where.next().value;
            if (choice !== 'rollup')
              await put(
                `decisions/${instance}/${day}.ndjson`,
                choice === 'part' ? ofDay.filter((_, index) => index % 3 > 0) : ofDay,
              );
            if (choice !== 'records') await put(`usage/${instance}/${day}.ndjson`, rollup);
          }
        assert.deepEqual(await told(), expected);
      },
    ),
    { seed: 5, numRuns: 12, endOnFailure: true },
  );
});

const day = '2026-11-22';
const midnight = Date.parse(`${day}T00:00:00Z`);
/** A day with a heartbeat in each minute and a use an hour, by one grant and by two together. */
const steady = Array.from({ length: 1440 }, (_, minute) => {
  const [at, seq] = [midnight + minute * 60_000, Math.floor(minute / 60)];
  const use = { grant: minute % 120 === 0 ? 'a' : ['a', 'b'], at: at + 1000 };
  return [heartbeat(at, 'gw-1', seq), ...(minute % 60 === 0 ? [recordLine(use, 'gw-1', seq + 1)] : [])];
}).flat();
const rollup = rollupsOf(steady, 'gw-1').get(day) ?? [];
const counts = async (usage: Usage) => (await usage.uses()).map(({ grant, count }) => [grant, count]);
/** Minutes of the day that are lost. */
const lostIn = ({ instances, unreadable }: Usage) =>
  unreadable.length > 0 ? 1440 : coverageOf(instances).lost(midnight / 1000, midnight / 1000 + 86_400);

test('a whole roll-up covers its day; the same file twice, and an older copy of it, change nothing', async () => {
  await put(`usage/gw-1/${day}.ndjson`, rollup);
  const once = await open();
  assert.deepEqual(
    [await counts(once), lostIn(once), once.records],
    [
      [
        ['a', 24],
        ['b', 12],
      ],
      0,
      24,
    ],
  );
  await put('usage/delivered/again.ndjson', rollup.toReversed());
  const half = rollupsOf(steady.slice(0, 700), 'gw-1').get(day) ?? [];
  await put('usage/delivered/old.ndjson', half);
  // As many numbers and minutes in this one, and fewer heartbeats: it was made before the last of them.
  const [head = '', ...rest] = rollup;
  const { coverage, ...line } = JSON.parse(head);
  const late = [JSON.stringify({ ...line, coverage: { ...coverage, beats: [[0, 1410]] } }), ...rest];
  for (const path of ['usage/a/late.ndjson', 'usage/z/late.ndjson']) await put(path, late);
  const again = await open();
  assert.deepEqual(
    [await counts(again), lostIn(again), again.records],
    [
      [
        ['a', 24],
        ['b', 12],
      ],
      0,
      24,
    ],
  );
  assert.deepEqual(again.faulty, []);
});

test('a roll-up that lost lines, was cut, or comes from an older version is use, and covers nothing', async () => {
  const [head = '', ...rest] = rollup;
  const coverage = (more: object) => {
    const line = JSON.parse(head);
    return JSON.stringify({ ...line, coverage: { ...line.coverage, ...more } });
  };
  const huge = '9223372036854775807';
  const most = coverage({ runs: [[0, 'huge', 0, 1439]] }).replace('"huge"', huge);
  const old = JSON.stringify({
    day,
    instance: 'gw-1',
    coverage: { seq: [1, 24], records: 24, minutes: 1440 },
  });
  const cases: [string, readonly string[], RegExp][] = [
    ['a line less', [head, ...rest.slice(1)], /lines of it are missing/],
    ['torn', [head, ...rest.slice(0, -1), rest.at(-1)?.slice(0, 40) ?? ''], /lines of it are missing/],
    ['no head', rest, /head is missing/],
    ['torn head', [head.slice(0, 99), ...rest], /head is missing/],
    ['an older version', [old, ...rest], /older version/],
    ['cut', [coverage({ cut: true }), ...rest], /was cut/],
    ['misshapen', [coverage({ runs: [[1, 24, 0]] }), ...rest], /contradicts itself/],
    ['backwards', [coverage({ runs: [[24, 1, 0, 1]] }), ...rest], /contradicts itself/],
    ['more numbers than records', [coverage({ runs: [[1, 99, 0, 1439]] }), ...rest], /contradicts itself/],
    ['a number nobody counts to', [most, ...rest], /head is missing/],
    ['minutes of other days', [coverage({ beats: [[-9e9, 1440]] }), ...rest], /head is missing/],
    ['minutes that are to come', [coverage({ seen: [[0, 9e15]] }), ...rest], /head is missing/],
    ['an end of another day', [coverage({ ends: [-1441] }), ...rest], /head is missing/],
    ['numbers of another day', [coverage({ runs: [[1, 24, -1441, 1439]] }), ...rest], /head is missing/],
    [
      'a count beyond all',
      [head, ...rest.map((line) => line.replace('"count":24', `"count":${huge}`))],
      /missing/,
    ],
    ['another count', [head, ...rest.map((line) => line.replace('"count":24', '"count":23'))], /missing/],
  ];
  for (const [name, lines, reason] of cases) {
    await put(`usage/gw-1/${day}.ndjson`, lines);
    const usage = await open();
    assert.equal(usage.faulty.length, 1, name);
    assert.match(usage.faulty[0]?.reason ?? '', reason, name);
    assert.equal(lostIn(usage), 1440, name);
  }
  // Another copy makes good what one has lost.
  await put('usage/gw-1/copy.ndjson', [head, ...rest.slice(0, 1)]);
  await put(`usage/gw-1/${day}.ndjson`, [head, ...rest.slice(1)]);
  const mended = await open();
  assert.deepEqual([mended.faulty, lostIn(mended)], [[], 0]);
});

test('what was decided before midnight and written after it, or while the clock was set back, costs the day nothing', async () => {
  const written = createUsageDay(day, 'gw-1');
  const add = (line: string) => written.add(JSON.parse(line), JSON.parse(line).seq);
  add(recordLine({ grant: 'a', at: midnight - 1 }, 'gw-1', 1));
  for (let minute = -30; minute <= 1440; minute += 1) add(heartbeat(midnight + minute * 60_000, 'gw-1', 1));
  add(recordLine({ grant: 'a', at: midnight + dayMs - 1 }, 'gw-1', 2));
  await put(
    `usage/gw-1/${day}.ndjson`,
    [...written.lines()].map((line) => JSON.stringify(line)),
  );
  const usage = await open();
  assert.deepEqual(
    [usage.faulty, usage.unreadable, lostIn(usage), await counts(usage)],
    [[], [], 0, [['a', 2]]],
  );
  // Of other days it says nothing.
  const from = midnight / 60_000;
  assert.deepEqual(usage.instances[0]?.beats, [{ from, to: from + 1440 }]);
});

test('a file that is no roll-up is missing evidence of its day, and said', async () => {
  await put(`usage/gw-1/${day}.ndjson`, rollup);
  await put('usage/gw-1/2026-11-21.ndjson', ['nonsense', '{}']);
  const usage = await open();
  assert.deepEqual(
    usage.unreadable.map(({ reason }) => reason),
    ['no line of it is one of a roll-up'],
  );
  assert.deepEqual(await counts(usage), [
    ['a', 24],
    ['b', 12],
  ]);
});

test('numbers that two days claim are no proof of anything in between', async () => {
  await put(`usage/gw-1/${day}.ndjson`, rollup);
  const later = [recordLine({ grant: 'c', at: asOfMs - 60_000 }, 'gw-1', 1)];
  await put('usage/gw-1/2026-11-23.ndjson', rollupsOf(later, 'gw-1').get('2026-11-23') ?? []);
  const usage = await open();
  assert.equal(usage.instances[0]?.repeated, 1);
  assert.equal(lostIn(usage), 1440);
  // The same begun again in the records: both count, and nothing is covered.
  await rm(join(folder, 'usage/gw-1/2026-11-23.ndjson'));
  await put('decisions/gw-1/2026-11-23.ndjson', later);
  const mixed = await open();
  assert.deepEqual(await counts(mixed), [
    ['a', 24],
    ['b', 12],
    ['c', 1],
  ]);
  assert.equal(mixed.instances[0]?.repeated, 1);
  assert.equal(lostIn(mixed), 1440);
});

test('a roll-up and records of the same numbers that contradict each other are use, both, and cover nothing', async () => {
  // Two gateways of one name: what one did is no word on the other.
  await put(`usage/gw-1/${day}.ndjson`, rollup);
  const records = [1, 2].map((seq) =>
    recordLine({ grant: 'c', at: midnight + seq * 3_600_000 }, 'gw-1', seq),
  );
  await put(`decisions/gw-1/${day}.ndjson`, records);
  const some = await open();
  assert.match(some.faulty[0]?.reason ?? '', /contradict/);
  assert.deepEqual((await some.uses()).map(({ grant }) => grant).sort(), ['a', 'b', 'c']);
  assert.ok(lostIn(some) >= 1440);
  // The other way round: the records are there whole, and the roll-up tells more than they do.
  await put(`usage/gw-1/${day}.ndjson`, rollupsOf(records, 'gw-1').get(day) ?? []);
  const other = records.map((line) => line.replace('"c"', '"d"'));
  await put(`decisions/gw-1/${day}.ndjson`, other);
  const whole = await open();
  assert.match(whole.faulty[0]?.reason ?? '', /contradict/);
  assert.deepEqual((await whole.uses()).map(({ grant }) => grant).sort(), ['c', 'd']);
  assert.ok(lostIn(whole) >= 1440);
  // And no contradiction where one only has less.
  await put(`decisions/gw-1/${day}.ndjson`, records.slice(1));
  assert.deepEqual((await open()).faulty, []);
});

test('of the day that the instant lies in only one use is certain, and nothing later is covered', async () => {
  await put(`usage/gw-1/${day}.ndjson`, rollup);
  const usage = await open(midnight / 1000 + 43_200);
  assert.deepEqual(await counts(usage), [
    ['a', 1],
    ['b', 1],
  ]);
  const coverage = coverageOf(usage.instances);
  assert.equal(coverage.lost(midnight / 1000, midnight / 1000 + 43_200), 0);
  assert.equal(coverage.lost(midnight / 1000 + 43_260, midnight / 1000 + 86_400), 719);
  assert.deepEqual(await usage.companions([{ grant: 'b', from: midnight / 1000 }]), [[]]);
});

test('what a clock that is ahead stamped later than now is use as of now, and the time since is not covered', async () => {
  const ahead = 2 * dayMs;
  const lines: string[] = [];
  let seq = 0;
  for (let at = asOfMs - 5 * dayMs; at <= asOfMs + ahead; at += 600_000) {
    const isUse = at === asOfMs + 3_600_000 || at === asOfMs + ahead - 600_000;
    if (isUse) lines.push(recordLine({ grant: 'a', at }, 'gw-1', ++seq));
    for (let minute = 0; minute < 10; minute += 1) lines.push(heartbeat(at + minute * 60_000, 'gw-1', seq));
  }
  const byRecords = async () => put('decisions/gw-1.ndjson', lines);
  const byRollups = async () => {
    for (const [day, of] of rollupsOf(lines, 'gw-1')) await put(`usage/gw-1/${day}.ndjson`, of);
  };
  const seen = async (now?: number) => {
    const usage = await open(seconds, now);
    const [used] = await usage.windows([{ grant: 'a', from: seconds - 3 * 86_400 }]);
    const coverage = coverageOf(usage.instances);
    const [{ ahead: minutes } = { ahead: 0 }] = usage.instances;
    const lost = coverage.lost(seconds - 4 * 86_400, seconds);
    return [used?.allows, used?.lastUsedAt, minutes, lost, usage.faulty.length];
  };
  const gone = 2 * 1440 + 9;
  for (const give of [[byRecords], [byRecords, byRollups], [byRollups]]) {
    await rm(folder, { recursive: true, force: true });
    for (const one of give) await one();
    assert.deepEqual(await seen(seconds), [2, seconds, gone, gone, 0]);
    // Of an instant in the past what came later is known to have come later.
    assert.deepEqual(await seen(seconds + 3 * 86_400), [undefined, undefined, 0, 0, 0]);
  }
});

test('one file of records beside one roll-up is kept to look for single decisions, and no file is nothing to keep', async () => {
  const keep = () =>
    keepUsage(join(folder, 'kept.db'), {
      ...{ sources: [join(folder, 'decisions')], rollups: [join(folder, 'usage')] },
      asOf: seconds,
    });
  await mkdir(join(folder, 'decisions'));
  await mkdir(join(folder, 'usage'));
  assert.equal(await keep(), null);
  await put(`usage/gw-1/${day}.ndjson`, rollup);
  await put(`decisions/gw-1/${day}.ndjson`, steady);
  assert.notEqual(await keep(), null);
});

test('where only a roll-up tells of a day any use tells who came, and where a record does its word counts', async () => {
  const at = (days: number) => Math.floor(asOfMs / dayMs - days) * dayMs + 1000;
  const uses = [3, 1].flatMap((days) => ['of-night', 'of-desk'].map((grant) => ({ grant, at: at(days) })));
  const lines = uses.map((use, index) => recordLine(use, 'gw-1', index + 1));
  for (const [day, of] of rollupsOf(lines, 'gw-1')) await put(`usage/gw-1/${day}.ndjson`, of);
  const asked = [
    { key: 'group:night', grant: 'of-night' },
    { key: 'group:desk', grant: '' },
  ];
  const brought = async () => Object.fromEntries(await (await open()).brought(asked, seconds));
  assert.deepEqual(await brought(), { 'group:night': at(1) / 1000 });
  // Of the last day there are records: nobody came by a token on it.
  await put('decisions/gw-1/log.ndjson', lines.slice(2));
  assert.deepEqual(await brought(), { 'group:night': at(3) / 1000 });
});
