import * as assert from 'node:assert/strict';
import type { Tree } from '../../../bundle/git/tree.ts';
import type { Opa } from '../../../bundle/policy/opa.ts';
import { runTests } from '../../../bundle/policy/runTests.ts';
import { suite } from '../../_suite.ts';

const test = suite('runTests');

const path = 'policies/authz/x_test.rego';
const tree = {
  list: async () => [path],
  read: async (paths: readonly string[]) => new Map(paths.map((name) => [name, Buffer.from('package x\n')])),
} as unknown as Tree;
/** What is made of an opa that fails and says this. */
const said = async (stdout: string, stderr: string) => {
  const run: Opa['run'] = async ([command]) =>
    command === 'test' ? { code: 2, stdout, stderr } : { code: 0, stdout: '{"builtins":[]}', stderr: '' };
  const problems = await runTests(tree, { version: '0', run });
  return problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
};

test('whatever opa fails with is told: by its place where it has one, else as it stands', async () => {
  assert.deepEqual(await said('', `1 error occurred: ${path}:7: rego_parse_error: no more\n`), [
    `${path}:7: rego_parse_error: no more (opa test)`,
  ]);
  const results = [
    { location: { file: path, row: 3, col: 1 }, name: 'test_a', fail: true },
    { location: { file: path, row: 5, col: 1 }, name: 'test_b' },
    { location: { file: path, row: 9, col: 1 }, name: 'test_c', error: {} },
  ];
  assert.deepEqual(await said(JSON.stringify(results), ''), [
    `${path}:3: the test test_a of the policy fails (opa test)`,
    `${path}:9: the test test_c of the policy ends in an error (opa test)`,
  ]);
  assert.deepEqual(await said('', 'out of memory\n'), ['policies:1: opa test fails: out of memory']);
  assert.deepEqual(await said('half an {answer\n', ''), ['policies:1: opa test fails: half an {answer']);
});
