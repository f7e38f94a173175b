import * as assert from 'node:assert/strict';
import { newMemory } from '../../../gateway/decision/decision.ts';
import { createRecordLine, type NewRecord } from '../../../gateway/record/recordLine.ts';
import { suite } from '../../_suite.ts';
import { newRecord } from './_record.ts';

const test = suite('recordLine');

const record = (more: Parameters<typeof newRecord>[1] = {}) =>
  newRecord(Date.parse('2026-11-23T12:00:00.123Z'), {
    bundles: { grantgate: { revision: '0123456789abcdef0123456789abcdef01234567' } },
    ...more,
  });

/** What JSON says of the record with its place, in the order in which readers know it. */
function expected(given: NewRecord, instance: string, seq: number): string {
  const { timestamp, decision_id, path, bundles, input, result, status, metrics, trace_id, regressed } =
    given;
  const placed = { timestamp, decision_id, instance, seq, path, bundles, input, result };
  return `${JSON.stringify({ ...placed, status, metrics, trace_id, regressed })}\n`;
}

const variants: [string, Partial<NewRecord>][] = [
  ['as it is written before the upstream answers', { metrics: { timer_rego_wasm_eval_ns: 8123 } }],
  ['a denial', { status: 403, result: { allow: false, grants: [], reason: 'no-grant' } }],
  ['of a trace', { trace_id: '0af7651916cd43dd8448eb211c80319c' }],
  ['a denial that a merge brought', { status: 403, regressed: { revision: 'abc', grants: ['g', 'h'] } }],
  ['groups of a token', { input: { ...record().input, groups_from: 'token' } }],
  ['characters that JSON escapes', { input: { ...record().input, path: '/a"b\\\u0001{c}' } }],
  ['characters beyond ASCII', { input: { ...record().input, subject: 'user:\u00fc\u{1f600}\ud800' } }],
];
for (const [what, more] of variants) {
  test(`writes what JSON would: ${what}`, () => {
    for (const instance of ['gw-1', 'gw "1"']) {
      const line = createRecordLine(instance);
      const given = record(more);
      assert.equal(line(given, 7), expected(given, instance, 7));
      assert.equal(line(given, 8), expected(given, instance, 8), 'and so the second time');
    }
  });
}

test('the text of one decision is never taken for that of another', () => {
  const line = createRecordLine('gw');
  const first = record();
  line(first, 1);
  const others = [
    record({ input: { ...first.input, subject: 'user:bob' } }),
    { ...first, result: { allow: false, grants: [], reason: 'no-grant' } },
    { ...first, bundles: { grantgate: { revision: 'other' } } },
  ];
  for (const other of others) assert.equal(line(other, 2), expected(other, 'gw', 2));
  assert.equal(line(first, 3), expected(first, 'gw', 3));
});

test('what was written of a decision under one revision is written anew under another', () => {
  const line = createRecordLine('gw');
  const memory = newMemory();
  const under = (revision: string) => ({ ...record(), memory, bundles: { grantgate: { revision } } });
  for (const revision of ['one', 'two', 'one'])
    assert.equal(JSON.parse(line(under(revision), 1)).bundles.grantgate.revision, revision);
});
