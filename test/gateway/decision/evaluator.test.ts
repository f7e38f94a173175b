import * as assert from 'node:assert/strict';
import { sha256 } from '../../../bundle/format/digest.ts';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { meterWasm, stepsLeft } from '../../../bundle/policy/meterWasm.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { decisionPath, readPolicies } from '../../../bundle/policy/policies.ts';
import {
  createEvaluator,
  EvaluationError,
  type Evaluator,
  evaluateWasm,
  mostSteps,
} from '../../../gateway/decision/evaluator.ts';
import { createMeter } from '../../../gateway/decision/meter.ts';
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

decision := count(text24) if {
	input.ask == "memory"
	text0 := input.text
${Array.from({ length: 24 }, (_, at) => `\ttext${at + 1} := concat("", [text${at}, text${at}])`).join('\n')}
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

test('a question is a value or its JSON text, in letters of any length', () => {
  const data = json({ answer: 1 });
  for (const ask of ['data', 'größte-𐀀', 'x'.repeat(200_000), '𐀀'.repeat(200_000)]) {
    const expected = ask === 'data' ? 1 : 'none';
    assert.equal(evaluator.evaluate({ ask }, data), expected);
    assert.equal(evaluator.evaluate(json({ ask }), data), expected);
  }
});

test('what does not come to an end in time is an error of its own, and the next question is answered', () => {
  const metered = createEvaluator(meterWasm(wasm), 'probe/decision');
  const data = json({ answer: 'alive' });
  for (const [costly, message] of [
    [{ ask: 'loop', least: 0 }, /takes more than \d+ steps/],
    [{ ask: 'memory', text: '0123456789' }, /takes more than \d+ KiB of memory/],
  ] as const) {
    assert.throws(() => metered.evaluate(costly, data), { code: 'evaluation-too-costly', message });
    assert.equal(metered.evaluate({ ask: 'data' }, data), 'alive');
  }
});

test('each question has all its steps, whatever those before it took', () => {
  const { Instance } = WebAssembly;
  const made: WebAssembly.Instance[] = [];
  WebAssembly.Instance = class extends Instance {
    constructor(...of: ConstructorParameters<typeof Instance>) {
      super(...of);
      made.push(this);
    }
  };
  try {
    const metered = createEvaluator(meterWasm(wasm), 'probe/decision');
    const [instance = assert.fail('none was made')] = made;
    const left = () => Number((instance.exports[stepsLeft] as WebAssembly.Global).value);
    for (let round = 0; round < 3; round += 1) {
      const items = new Array(20_000).fill(1);
      assert.equal(metered.evaluate({ ask: 'count', items }, json({})), 20_000);
      assert.ok(left() > 0 && left() < mostSteps - 20_000, String(left()));
      metered.evaluate({ ask: 'data' }, json({}));
      assert.ok(left() > mostSteps - 20_000, String(left()));
    }
    assert.equal(made.length, 1);
  } finally {
    WebAssembly.Instance = Instance;
  }
});

const [caller, groups] = ['user:ann@example.com', ['group:a', 'group:b']];
const thousands = (count: number) =>
  json({
    grants: {
      orders: Object.fromEntries(
        groups.map((group) => [
          group,
          Array.from({ length: count / 2 }, (_, number) => ({
            conditions: { mfa: true, networks: ['lab', 'office'] },
            expires: 200 + number,
            id: `orders-read-of-${group}-${number}`,
            operations: ['createOrder', 'getOrder', 'listOrders'],
          })),
        ]),
      ),
    },
    principals: { [caller]: { active: true, groups } },
  });

test('the same policy is metered once, by its bytes and not by where they lie; another one is another module', async () => {
  const policies = await readPolicies({ list: async () => [], read: async () => new Map() }, 'authz');
  const ours = await compilePolicy(await findOpa(), policies, decisionPath);
  const meter = createMeter();
  const first = meter(ours);
  assert.equal(first.policy, `sha256:${sha256(ours)}`);
  assert.equal(meter(Buffer.from(ours)), first);
  const other = meter(wasm);
  assert.notEqual(other.wasm, first.wasm);
  assert.ok(WebAssembly.Module.exports(other.wasm).some(({ name }) => name === stepsLeft));
  assert.throws(() => meter(Buffer.from('no module')), { code: 'wasm-invalid' });
  assert.equal(meter(wasm), other);
  const data = { apis: {}, grants: {}, networks: {}, principals: {} };
  const answers = [evaluateWasm(ours), evaluateWasm(ours, first.wasm)].map((ask) => ask({}, data));
  assert.deepEqual(answers[0], answers[1]);
});

test('a caller with 20,000 grants at one API is decided, whether they hold or not, in memory that is given back', async () => {
  const ours = await readPolicies({ list: async () => [], read: async () => new Map() }, 'authz');
  const decide = createEvaluator(
    meterWasm(await compilePolicy(await findOpa(), ours, decisionPath)),
    decisionPath,
  );
  const { Instance } = WebAssembly;
  let instances = 0;
  WebAssembly.Instance = class extends Instance {
    constructor(...of: ConstructorParameters<typeof Instance>) {
      super(...of);
      instances += 1;
    }
  };
  try {
    const ask = (data: ArrayBuffer, changes: object) => {
      const question = { api: 'orders', groups, networks: ['office'], operation: 'getOrder', time: 100 };
      const answer = decide.evaluate({ ...question, subject: caller, mfa: true, ...changes }, data);
      const { allow, grants, reason } = answer as { allow: boolean; grants: string[]; reason: string };
      return [allow, new Set(grants).size, reason];
    };
    const [many, few] = [thousands(20_000), thousands(2)];
    assert.deepEqual(ask(many, {}), [true, 20_000, 'granted']);
    assert.deepEqual(ask(many, { mfa: false }), [false, 0, 'condition-not-met']);
    assert.deepEqual(ask(many, { operation: 'deleteOrder' }), [false, 0, 'operation-not-covered']);
    assert.equal(instances, 0);
    for (let round = 0; round < 3; round += 1) assert.deepEqual(ask(few, {}), [true, 2, 'granted']);
    assert.equal(instances, 1);
  } finally {
    WebAssembly.Instance = Instance;
  }
});

test('refuses a module without the entrypoint', () => {
  assert.throws(() => createEvaluator(module, 'probe/other'), EvaluationError);
});

test('keeps answering after thousands of evaluations that throw', () => {
  const data = json({ answer: 'alive' });
  // Each would take of a stack that is used up after 2000.
  for (let round = 0; round < 2200; round += 1) {
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
