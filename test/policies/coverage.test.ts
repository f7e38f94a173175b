import * as assert from 'node:assert/strict';
import { uncovered } from '../_rego.ts';
import { suite } from '../_suite.ts';

const test = suite('Rego coverage');

const row = (start: number, end = start) => ({ start: { row: start }, end: { row: end } });
const there = () => true;
const files = ['authz/decision.rego', 'authz/decision_test.rego'];

test('is complete when every line of the non-test files was evaluated', () => {
  const report = {
    files: { 'authz/decision.rego': {}, 'authz/decision_test.rego': { not_covered: [row(9)] } },
  };
  assert.deepEqual(uncovered(report, files, there), []);
});

test('names each line that no test evaluated, once', () => {
  const report = { files: { 'authz/decision.rego': { not_covered: [row(3), row(3), row(5, 7)] } } };
  assert.deepEqual(uncovered(report, files, there), [
    'authz/decision.rego:3: not evaluated by any test',
    'authz/decision.rego:5-7: not evaluated by any test',
  ]);
});

test('names a file that the report does not know, and one without a test beside it', () => {
  assert.deepEqual(uncovered({ files: {} }, files, there), [
    'authz/decision.rego: no line is evaluated by any test',
  ]);
  const report = { files: { 'authz/decision.rego': {} } };
  assert.deepEqual(
    uncovered(report, ['authz/decision.rego'], () => false),
    ['authz/decision.rego: no authz/decision_test.rego beside it'],
  );
});
