import * as assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { rememberFiles } from '../../../bundle/git/rememberFiles.ts';
import { localTree, type Tree } from '../../../bundle/git/tree.ts';
import { type PlanOptions, planFor } from '../../../reviewer/planFor.ts';
import { renderTable } from '../../../reviewer/pulls/renderTable.ts';
import { suite } from '../../_suite.ts';
import {
  access,
  asOfMs,
  dayMs,
  daysAgo,
  type GrantText,
  logLines,
  type Place,
  place,
  rules,
  uses,
} from '../_review.ts';
import { rollupsOf } from '../_rollups.ts';

const test = suite('missing evidence');
let here: Place;
/** The files do not change, their evidence does. */
let tree: Tree;
const grants: GrantText[] = [
  { id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2.5)}` },
  { id: 'sleeping', rest: `role: reader\ngranted: ${daysAgo(5)}` },
  { id: 'wide', rest: 'role: admin' },
  { id: 'full', rest: 'role: admin' },
  { id: 'healthy' },
  { id: 'seldom', rest: `role: reader\ngranted: ${daysAgo(5)}` },
  { id: 'twin', rest: `role: reader\ngranted: ${daysAgo(6)}` },
  { id: 'beside', rest: `role: reader\ngranted: ${daysAgo(5)}` },
];
test.before(async () => {
  // Of a gateway whose whole log is gone nothing tells, but that it must be there.
  here = await place({
    ...access(grants),
    // What part of a gap may be overlooked is a threshold; here none may.
    'grants/review.yaml': `${rules.replace('brake: 1', 'brake: 1\n  coverage: 1')}evidence: { instances: [gw-1, gw-2] }\n`,
  });
  tree = rememberFiles(await localTree(here.root));
});
test.after(() => here.remove());

const whole = [
  logLines(
    [
      { grant: 'sleeping', operation: 'get', at: asOfMs - 4 * dayMs },
      { grant: 'seldom', operation: 'get', at: asOfMs - 2.9 * dayMs },
      ...uses('wide', ['list', 'get'], 3),
      ...uses('full', ['list', 'get'], 3),
      ...[0.3, 1.3, 2.3, 3.3].map((days) => ({
        grant: ['twin', 'beside'],
        operation: 'get',
        at: asOfMs - days * dayMs,
      })),
    ],
    { instance: 'gw-1' },
  ),
  logLines(
    [
      ...uses('healthy', ['list', 'get'], 3),
      ...[0.5, 1.5, 2.5, 3.5].map((days) => ({
        grant: 'beside',
        operation: 'list',
        at: asOfMs - days * dayMs,
      })),
      // Lost with this gateway, it would look as wide as the other.
      ...uses('full', ['create', 'remove'], 3),
    ],
    { instance: 'gw-2' },
  ),
];

const planOf = async (options: Partial<PlanOptions> = {}) => {
  const { decisions, opa } = here;
  const judged = { decisions: [decisions], asOfMs, opa, ...options };
  return (await planFor(tree, judged, async () => null)).plan;
};
const taking = new Set(['delete', 'revoke', 'suspend', 'narrow']);
/** What is taken away, and how much of it. */
async function taken(logs: readonly (readonly string[])[]): Promise<string[]> {
  await rm(here.decisions, { recursive: true, force: true });
  for (const [index, lines] of logs.entries()) if (lines.length > 0) await here.log(lines, `gw-${index + 1}`);
  const plan = await planOf();
  return plan.findings.filter(({ action }) => taking.has(action)).map(({ grant }) => grant);
}

const part = fc.double({ min: 0, max: 1, noNaN: true });
const none = fc.constant(0);
const harm = <Kind extends string>(kind: Kind, from: typeof part, share: typeof part) =>
  fc.record({ kind: fc.constant(kind), from, share });

/** One way to damage a log; places are shares of its length. */
const damage = fc.oneof(
  harm('cut out', part, part),
  harm('truncate', part, none),
  harm('lose uses', part, part),
  harm('give twice', part, part),
  harm('turn round', part, part),
  harm('lose all', none, none),
);

/** The clock of a gateway is up to two hours behind or ahead. */
const clock = harm('set the clock', part, none);
const shifted = (line: string, ms: number) =>
  line.replace(
    /"timestamp":"([^"]+)"/,
    (_, at) => `"timestamp":"${new Date(Date.parse(at) + ms).toISOString()}"`,
  );

function damaged(
  lines: readonly string[],
  { kind, from, share }: { kind: string; from: number; share: number },
) {
  const start = Math.floor(from * lines.length);
  const end = Math.min(lines.length, start + Math.ceil(share * lines.length));
  const part = lines.slice(start, end);
  switch (kind) {
    case 'cut out':
      return [...lines.slice(0, start), ...lines.slice(end)];
    case 'truncate':
      return lines.slice(0, start);
    case 'lose uses':
      return [
        ...lines.slice(0, start),
        ...part.filter((line) => line.includes('heartbeat')),
        ...lines.slice(end),
      ];
    case 'give twice':
      return [...lines, ...part];
    case 'turn round':
      return [...lines.slice(0, start), ...part.toReversed(), ...lines.slice(end)];
    case 'set the clock':
      return lines.map((line) => shifted(line, Math.round((from - 0.5) * 4 * 3_600_000)));
    default:
      return [];
  }
}

test('finds with all evidence what is there to be found', async () => {
  assert.deepEqual(await taken(whole), ['idle', 'sleeping', 'twin', 'wide']);
});

test('deleting, cutting, doubling and reordering evidence, and clocks that are wrong, never take away more', async () => {
  const all = new Set(await taken(whole));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1),
      fc.oneof(damage, clock),
      fc.option(fc.oneof(clock, damage)),
      async (which, first, second) => {
        const logs = whole.map((lines, index) => {
          if (index !== which) return second === null ? lines : damaged(lines, second);
          return damaged(lines, first);
        });
        for (const grant of await taken(logs)) assert.ok(all.has(grant), grant);
      },
    ),
    { seed: 7, numRuns: 25 },
  );
});

/** The same by roll-ups alone, a file for each gateway and day. */
async function takenBy(rollups: readonly { instance: string; name: string; lines: readonly string[] }[]) {
  const usage = join(here.folder, 'usage');
  await rm(usage, { recursive: true, force: true });
  for (const { instance, name, lines } of rollups) {
    await mkdir(join(usage, instance), { recursive: true });
    await writeFile(join(usage, instance, name), lines.map((line) => `${line}\n`).join(''));
  }
  const plan = await planOf({ decisions: [], usage: [usage] });
  return plan.findings.filter(({ action }) => taking.has(action)).map(({ grant }) => grant);
}
const rolled = whole.flatMap((lines, index) => {
  const instance = `gw-${index + 1}`;
  return [...rollupsOf(lines, instance)].map(([day, of]) => ({ instance, name: `${day}.ndjson`, lines: of }));
});

test('roll-ups alone find the same, also of grants that others could stand in for', async () => {
  assert.deepEqual(await takenBy(rolled), ['idle', 'sleeping', 'twin', 'wide']);
});

/** An older state of a day, delivered beside the newer one. */
const twice = (lines: readonly string[]) => ({ lines, copy: lines.slice(0, Math.ceil(lines.length / 2)) });

test('deleting, cutting, doubling and reordering roll-ups never takes away more', async () => {
  const all = new Set(await takenBy(rolled));
  const harm = fc.record({ which: fc.nat(rolled.length - 1), how: damage, copied: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 3 }), async (harms) => {
      const files = rolled.flatMap((file, index) => {
        const mine = harms.filter(({ which }) => which === index);
        const lines = mine.reduce<readonly string[]>((left, { how }) => damaged(left, how), file.lines);
        const { copy } = twice(file.lines);
        return [
          ...(lines.length === 0 ? [] : [{ ...file, lines }]),
          ...(mine.some(({ copied }) => copied) ? [{ ...file, name: `copy-${file.name}`, lines: copy }] : []),
        ];
      });
      for (const grant of await takenBy(files)) assert.ok(all.has(grant), grant);
    }),
    { seed: 3, numRuns: 10, endOnFailure: true },
  );
});

test('a gateway that cannot be reached covers nothing, and that is said', async () => {
  await takenBy(rolled);
  const usage = [join(here.folder, 'usage'), 'http://127.0.0.1:1'];
  const plan = await planOf({ decisions: [], usage });
  assert.deepEqual(
    plan.findings.filter(({ action }) => taking.has(action)),
    [],
  );
  assert.deepEqual([plan.evidence.unreadable, plan.evidence.coverage], [['http://127.0.0.1:1'], 0]);
  assert.match(renderTable(plan), /missing evidence.*\n {2}http:\/\/127\.0\.0\.1:1\n/);
});

test('a gateway whose clock is ahead takes away nothing, and that is said', async () => {
  await rm(here.decisions, { recursive: true, force: true });
  for (const [index, lines] of whole.entries())
    await here.log(
      index === 1 ? lines.map((line) => shifted(line, 2 * 3_600_000)) : lines,
      `gw-${index + 1}`,
    );
  const plan = await planOf({ nowMs: asOfMs });
  assert.deepEqual(
    plan.findings.filter(({ action }) => taking.has(action)),
    [],
  );
  assert.deepEqual(plan.evidence.ahead, [{ instance: 'gw-2', minutes: 120 }]);
  assert.match(
    renderTable(plan),
    /missing evidence.*\n {2}the clock of gw-2 is ahead, by 120 minutes at least\n/,
  );
});
