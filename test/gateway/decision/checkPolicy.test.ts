import * as assert from 'node:assert/strict';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { decisionPath } from '../../../bundle/policy/policies.ts';
import { checkPolicy, PolicyError } from '../../../gateway/decision/checkPolicy.ts';
import { suite } from '../../_suite.ts';

const test = suite('checkPolicy');
const none = { allow: false, grants: [], reason: 'none' };
/** Answers whatever it is asked to, and `none` where nothing is asked. */
const rego = `package grantgate.authz

default decision := ${JSON.stringify(none)}

decision := input.answer
`;
let module: WebAssembly.Module;
test.before(async () => {
  const policies = new Map([['policies/authz/authz.rego', Buffer.from(rego)]]);
  module = new WebAssembly.Module(
    new Uint8Array(await compilePolicy(await findOpa(), policies, decisionPath)),
  );
});

const check = (answer: unknown) => checkPolicy(module, { answer }, new TextEncoder().encode('{}').buffer);

test('takes a policy that answers with decisions', () => {
  for (const answer of [none, { allow: true, grants: ['a'], reason: 'granted' }, { ...none, more: 1 }])
    check(answer);
});

test('refuses one whose answer is no decision, whichever part of it is missing or of another type', () => {
  for (const answer of [
    ...[null, false, true, 7, 'granted', [], [none], {}],
    ...[
      { ...none, allow: 'false' },
      { ...none, allow: null },
      { grants: [], reason: 'none' },
    ],
    ...[
      { ...none, grants: 'a' },
      { ...none, grants: {} },
      { allow: false, reason: 'none' },
    ],
    ...[
      { ...none, reason: null },
      { ...none, reason: ['none'] },
      { allow: false, grants: [] },
    ],
  ])
    assert.throws(() => check(answer), PolicyError, JSON.stringify(answer));
});
