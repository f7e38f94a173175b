import * as assert from 'node:assert/strict';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { createEvaluator, EvaluationError, type Evaluator } from '../../../gateway/decision/evaluator.ts';
import { suite } from '../../_suite.ts';

const test = suite('evaluator');
const rego = `package probe

default decision := "none"

decision := data.answer if input.ask == "data"

decision := count(input.items) if input.ask == "count"

undefined_one := true if input.ask == "never"
`;
let evaluator: Evaluator;
let module: WebAssembly.Module;

test.before(async () => {
  const wasm = await compilePolicy(
    await findOpa(),
    new Map([['policies/probe/probe.rego', Buffer.from(rego)]]),
    'probe/decision',
  );
  module = new WebAssembly.Module(new Uint8Array(wasm));
  evaluator = createEvaluator(module, 'probe/decision');
});

const json = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value))).buffer;

test('answers over the data given with each call', () => {
  const one = json({ answer: 1 });
  assert.equal(evaluator.evaluate({ ask: 'data' }, one), 1);
  assert.equal(evaluator.evaluate({ ask: 'data' }, json({ answer: 2 })), 2);
  assert.equal(evaluator.evaluate({ ask: 'data' }, one), 1);
  assert.equal(evaluator.evaluate({ ask: 'other' }, one), 'none');
});

test('refuses a module without the entrypoint', () => {
  assert.throws(() => createEvaluator(module, 'probe/other'), EvaluationError);
});

test('keeps answering after thousands of evaluations that throw', () => {
  const data = json({ answer: 'alive' });
  for (let round = 0; round < 3000; round += 1) {
    // A lone surrogate is JSON to JavaScript and none to the module's parser.
    assert.throws(() => evaluator.evaluate({ ask: 'data', text: '\ud800' }, data), EvaluationError);
  }
  assert.equal(evaluator.evaluate({ ask: 'data' }, data), 'alive');
});

test('malformed data and deep nesting end in an error or a default, never in the last answer', () => {
  const good = json({ answer: 'good' });
  assert.equal(evaluator.evaluate({ ask: 'data' }, good), 'good');
  assert.throws(
    () => evaluator.evaluate({ ask: 'data' }, new Uint8Array(Buffer.from('{"answer":')).buffer),
    EvaluationError,
  );
  assert.equal(evaluator.evaluate({ ask: 'data' }, good), 'good');
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  try {
    assert.equal(evaluator.evaluate({ ask: 'count', items: [JSON.parse(deep)] }, good), 1);
  } catch (error) {
    assert.ok(error instanceof EvaluationError);
  }
  assert.equal(evaluator.evaluate({ ask: 'data' }, good), 'good');
});
