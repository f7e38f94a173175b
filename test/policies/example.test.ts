import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { admitPolicy } from '../../bundle/policy/admitPolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { suite } from '../_suite.ts';
import { folder } from '../bundle/_opa.ts';

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
