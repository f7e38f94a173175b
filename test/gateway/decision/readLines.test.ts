import * as assert from 'node:assert/strict';
import { boundsOf, createReadLines, readLine } from '../../../gateway/decision/readLines.ts';
import { suite } from '../../_suite.ts';

const test = suite('readLines');
const line = (name: string, grants: readonly object[]) => ({
  name,
  line: Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(grants)}`),
});
const team = line('group:team', [
  { expires: 200, id: 'g', operations: ['x'] },
  { id: 'plain', operations: ['x'] },
  { id: 'rated', operations: ['x'], rate: '5/min' },
]);

test("a group's line is read once for all its members, at each API; a person's own once while nobody else is asked about", () => {
  const read: string[] = [];
  const lines = createReadLines({
    read: (bytes) => {
      read.push(Buffer.from(bytes).toString().split(':[')[0] ?? '');
      return readLine(bytes);
    },
  });
  const [ann, bob, other] = [line('user:ann', []), line('user:bob', []), line('user:ann', [])];
  for (const own of [ann, bob, ann, ann]) lines('orders', [own, team]);
  lines('payments', [other, team]);
  assert.deepEqual(read, [
    '"user:ann"',
    '"group:team"',
    '"user:bob"',
    '"user:ann"',
    '"user:ann"',
    '"group:team"',
  ]);
});

test('what is read of lines is bounded by bytes', () => {
  let read = 0;
  const lines = createReadLines({
    read: (bytes) => {
      read += 1;
      return readLine(bytes);
    },
    mostBytes: 2000,
  });
  const many = Array.from({ length: 20 }, (_, at) => line(`group:g${at}`, [{ id: `${at}`, operations: [] }]));
  lines('orders', many);
  lines('orders', many);
  assert.equal(read, 40);
});

test('a line that cannot be read is not remembered as one that says nothing', () => {
  const lines = createReadLines();
  const broken = line('group:team', [{ id: 'g', operations: ['x'], hours: '9-17' }]);
  for (let turn = 0; turn < 2; turn += 1)
    assert.throws(() => lines('orders', [broken]), { code: 'data-malformed' });
});

test('bounds are of the grants asked about, with a rate or an end; a name may hold what ends one elsewhere', () => {
  const own = line('user:a":[\\"{}', [{ expires: 7, id: 'own', operations: ['x'] }]);
  const lines = createReadLines()('orders', [own, team]);
  assert.deepEqual(
    [...boundsOf(['own', 'plain', 'rated', 'unknown'], lines)],
    [
      ['rated', { rate: { count: 5, periodMs: 60_000, intervalMs: 12_000 }, expires: null }],
      ['own', { rate: null, expires: 7 }],
    ],
  );
  assert.deepEqual(
    lines.map(({ ends }) => ends),
    [[7], [200]],
  );
});

test('grants with rates are bounded in the order in which they are taken from, those without one behind them', () => {
  const rated = (id: string, rate?: string) => ({ expires: 9, id, operations: ['x'], ...(rate && { rate }) });
  const own = line('user:ann', [rated('a', '5/h'), rated('b'), rated('d', '1/s')]);
  const group = line('group:team', [rated('c', '5/min'), rated('e', '5/h'), rated('f', '60/min')]);
  const lines = createReadLines()('orders', [own, group]);
  const order = (grants: readonly string[]) => [...boundsOf(grants, lines).keys()].join('');
  assert.equal(order(['a', 'b', 'c', 'd', 'e', 'f']), 'dfcaeb');
  assert.equal(order(['e', 'c', 'a']), 'cea', 'of rates that are alike, as the grants stand');
});
