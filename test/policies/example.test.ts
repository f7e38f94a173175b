import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../bundle/check.ts';
import { admitPolicy } from '../../bundle/policy/admitPolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { createEvaluator, evaluateWasm } from '../../gateway/decision/evaluator.ts';
import { testRepository } from '../../gateway/explain/testRepository.ts';
import { suite } from '../_suite.ts';
import { folder } from '../bundle/_opa.ts';
import { sampleFiles, sampleTree } from '../bundle/_organisation.ts';

const test = suite('the policy that the documents show');
const page = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8');

test('is admitted, follows no clock, and decides as the text says', async () => {
  const [, rego = ''] = /```rego\n([\s\S]*?)```/.exec(page) ?? [];
  const cache = await folder();
  try {
    const policies = new Map([['policies/authz/decision.rego', Buffer.from(rego)]]);
    const { reads, wasm } = await admitPolicy(await findOpa(), policies, cache.path);
    assert.deepEqual([reads.api, reads.clock, reads.networks], [['owner', 'tier'], false, false]);
    const evaluator = createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), decisionPath);
    const decide = (method: string, owner: string, networks: string[], changes: object = {}) =>
      evaluator.evaluate(
        {
          subject: 'user:ann',
          groups: ['group:pay'],
          api: 'pay',
          operation: 'x',
          method,
          networks,
          time: 100,
        },
        {
          apis: { pay: { tier: 'critical', owner } },
          grants: { pay: { 'group:pay': [{ id: 'g', operations: ['x'], expires: 101, ...changes }] } },
          principals: { 'user:ann': { active: true, groups: ['group:pay'] } },
        },
      );
    const denied = (reason: string) => ({ allow: false, grants: [], reason });
    const granted = { allow: true, grants: ['g'], reason: 'granted' };
    assert.deepEqual(decide('GET', 'group:other', []), granted);
    assert.deepEqual(decide('POST', 'group:other', []), denied('owners-only'));
    assert.deepEqual(decide('POST', 'group:pay', []), granted);
    assert.deepEqual(decide('DELETE', 'group:pay', []), denied('office-only'));
    assert.deepEqual(decide('DELETE', 'group:pay', ['office']), granted);
    assert.deepEqual(decide('DELETE', 'group:other', []), denied('office-only,owners-only'));
    assert.deepEqual(decide('GET', 'group:pay', [], { expires: 100 }), denied('no-grant'));
    assert.deepEqual(decide('GET', 'group:pay', [], { conditions: { mfa: true } }), denied('no-grant'));
  } finally {
    await cache.remove();
  }
});

test('with data of its own is green in a repository, and denies what that says', async () => {
  const block = (language: string) =>
    [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
      ([, text = '']) => text,
    );
  const [rules = ''] = block('rego');
  const [more = '', itsTest = ''] = block('rego').filter((text) => text.includes('tenant-frozen'));
  const [tenants = ''] = block('yaml').filter((text) => text.startsWith('# data/tenants.yaml'));
  const [schema = ''] = block('json');
  const path = 'grants/apis/orders.yaml';
  const api = `${sampleFiles[path]}facts: { tenant: { param: orderId } }\n`;
  const who = '- who: user:cleo@example.com\n  api: orders\n  at: 2026-11-23\n  why: It says so\n';
  const asked = (operation: string, tenant: string) =>
    `${who}  operation: ${operation}\n  facts: { tenant: ${tenant} }\n`;
  const sample = await sampleTree({
    [path]: api.replace('createOrder: POST /v1/orders\n', 'createOrder: POST /v1/orders/{orderId}\n'),
    'policies/authz/decision.rego': rules,
    'policies/authz/tenants.rego': more,
    'policies/authz/tenants_test.rego': itsTest,
    'data/tenants.yaml': tenants,
    'data/tenants.schema.json': schema,
    'tests/tenants.yaml': [
      `${asked('getOrder', 'globex')}  expect: allow\n`,
      `${asked('createOrder', 'globex')}  expect: deny\n  reason: tenant-frozen\n`,
      `${asked('createOrder', 'acme')}  expect: deny\n  reason: no-grant\n`,
    ].join(''),
  });
  try {
    const { problems, warnings } = await check(sample.root, { evaluator: evaluateWasm });
    assert.deepEqual([...problems, ...warnings].map(formatProblem), []);
    const tested = await testRepository(sample.root, { policies: true });
    assert.deepEqual([tested.problems.map(formatProblem), tested.examples], [[], 3]);
  } finally {
    await sample.remove();
  }
});
