import * as assert from 'node:assert/strict';
import { readPrincipalLine } from '../../../bundle/data/principalLine.ts';
import { diffData } from '../../../bundle/diff/diffData.ts';
import { suite } from '../../_suite.ts';
import { lineForm } from '../../gateway/_document.ts';

const test = suite('principalLine');

test('reads what compilers write', () => {
  for (const line of [
    { active: true, groups: [] },
    { active: false, groups: ['group:billing'] },
  ])
    assert.deepEqual(readPrincipalLine(line), line);
});

const others = [
  ...[null, [], 'user:ann', {}, { active: true }, { groups: [] }],
  ...['yes', 1, null].map((active) => ({ active, groups: [] })),
  ...['group:a', {}, [1], null].map((groups) => ({ active: true, groups })),
];
for (const wrong of others)
  test(`refuses ${JSON.stringify(wrong)}, also where two documents are compared`, () => {
    assert.throws(() => readPrincipalLine(wrong), { code: 'data-malformed' });
    const entry = { active: true, groups: [] };
    const right = lineForm({ apis: {}, grants: {}, principals: { 'user:ann': entry } });
    const data = Buffer.from(right.toString().replace(JSON.stringify(entry), JSON.stringify(wrong)));
    assert.throws(() => diffData(Buffer.from(right), data, { at: null }), { code: 'data-malformed' });
    assert.deepEqual(diffData(Buffer.from(right), Buffer.from(right), { at: null }).changes, []);
  });
