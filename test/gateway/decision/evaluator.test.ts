import * as assert from 'node:assert/strict';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { meterWasm } from '../../../bundle/policy/meterWasm.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { createEvaluator, EvaluationError, type Evaluator } from '../../../gateway/decision/evaluator.ts';
import { suite } from '../../_suite.ts';

const test = suite('evaluator');
const rego = `package probe

default decision := "none"

decision := data.answer if input.ask == "data"

decision := count(input.items) if input.ask == "count"

decision := "found" if {
	input.ask == "loop"
	all := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
	some a in all; some b in all; some c in all; some d in all; some e in all
	some f in all; some g in all; some h in all; some i in all; some j in all
	all[input.least] > a
}

decision := "found" if {
	input.ask == "memory"
	all := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
	some a in all; some b in all; some c in all; some d in all; some e in all; some f in all; some g in all
	a + b + c + d + e + f + g > 90
}

undefined_one := true if input.ask == "never"
`;
let evaluator: Evaluator;
let module: WebAssembly.Module;
let wasm: Buffer;

test.before(async () => {
  wasm = await compilePolicy(
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

test('what does not come to an end in time is an error of its own, and the next question is answered', () => {
  const metered = createEvaluator(meterWasm(wasm), 'probe/decision');
  const data = json({ answer: 'alive' });
  for (let round = 0; round < 2; round += 1) {
    assert.throws(() => metered.evaluate({ ask: 'loop', least: 0 }, data), {
      code: 'evaluation-too-costly',
      message: /takes more than \d+ steps/,
    });
    assert.throws(() => metered.evaluate({ ask: 'memory' }, data), {
      code: 'evaluation-too-costly',
      message: /takes more than \d+ KiB of memory/,
    });
    assert.equal(metered.evaluate({ ask: 'data' }, data), 'alive');
  }
  // The bound is for each question, not for all.
  for (let round = 0; round < 40; round += 1)
    assert.equal(metered.evaluate({ ask: 'count', items: new Array(20_000).fill(1) }, data), 20_000);
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
