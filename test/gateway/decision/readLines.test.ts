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

test("a group's line is read once for all its members, at each API; a person's own for each decision about it", () => {
  const read: string[] = [];
  const lines = createReadLines({
    read: (bytes) => {
      read.push(Buffer.from(bytes).toString().split(':[')[0] ?? '');
      return readLine(bytes);
    },
  });
  const [ann, bob] = [line('user:ann', []), line('user:bob', [])];
  for (const own of [ann, bob, ann]) lines('orders', [own, team]);
  lines('payments', [ann, team]);
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
      ['own', { rate: null, expires: 7 }],
      ['rated', { rate: { count: 5, periodMs: 60_000, intervalMs: 12_000 }, expires: null }],
    ],
  );
  assert.deepEqual(
    lines.map(({ ends }) => ends),
    [[7], [200]],
  );
});
