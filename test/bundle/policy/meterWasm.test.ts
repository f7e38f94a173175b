import * as assert from 'node:assert/strict';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { meterWasm, stepsLeft } from '../../../bundle/policy/meterWasm.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { suite } from '../../_suite.ts';

const test = suite('meterWasm');

/** One function `f` of this body, with a variable as every policy has; locals, then instructions. */
function moduleOf(body: number[], type = [0x60, 0, 0]): Uint8Array {
  const section = (id: number, content: number[]) => [id, content.length, ...content];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, ...type]),
    ...section(3, [1, 0]),
    ...section(6, [1, 0x7f, 0, 0x41, 0, 0x0b]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, body.length + 1, ...body, 0x0b]),
  ]);
}
const run = (bytes: Uint8Array, steps: number): { left: unknown; made: unknown } => {
  const { exports } = new WebAssembly.Instance(meterWasm(bytes));
  const { f, [stepsLeft]: left } = exports;
  assert.ok(typeof f === 'function' && left instanceof WebAssembly.Global);
  left.value = steps;
  try {
    return { made: f(), left: left.value };
  } catch (error) {
    return { made: error instanceof WebAssembly.RuntimeError && error.message, left: left.value };
  }
};

test('a loop and a chain of calls without an end come to one', () => {
  // loop br 0 end
  assert.deepEqual(run(moduleOf([0, 0x03, 0x40, 0x0c, 0, 0x0b]), 1_000_000), {
    made: 'unreachable',
    left: 0,
  });
  // f calls itself twice, to a depth that steps alone bound
  assert.deepEqual(run(moduleOf([0, 0x10, 0, 0x10, 0]), 100), { made: 'unreachable', left: 0 });
});

test('what ends does so with its result, one step for each entry and each turn', () => {
  // local i = 10; loop { i -= 1; br_if i }; i64.const -1, f32 and f64 constants whose bytes look like loops
  const body = [
    ...[1, 1, 0x7f, 0x41, 10, 0x21, 0, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    ...[0x43, 3, 3, 3, 3, 0x1a, 0x44, 3, 3, 3, 3, 3, 3, 3, 3, 0x1a, 0x42, 0x83, 3, 0x1a, 0x41, 7],
  ];
  assert.deepEqual(run(moduleOf(body, [0x60, 0, 1, 0x7f]), 100), { made: 7, left: 89 });
  assert.deepEqual(run(moduleOf(body, [0x60, 0, 1, 0x7f]), 11), { made: 7, left: 0 });
  assert.deepEqual(run(moduleOf(body, [0x60, 0, 1, 0x7f]), 10), { made: 'unreachable', left: 0 });
});

test('instructions that opa does not write are refused: a vector, a tail call, an exception, an atomic', () => {
  for (const body of [
    [0xfd, 0x0c],
    [0x12, 0],
    [0x06, 0x40],
    [0xfe, 0x03, 0],
    [0xfc, 8, 0, 0],
    [0xd0, 0x70],
  ])
    assert.throws(() => meterWasm(moduleOf([0, ...body])), { code: 'wasm-invalid' }, String(body));
});

test('a module cut off anywhere, or with any byte changed, is refused or bounded, never waited for', async () => {
  const policies = new Map([['policies/authz/x.rego', Buffer.from('package x\n\ny := count(input.z)\n')]]);
  const wasm = new Uint8Array(await compilePolicy(await findOpa(), policies, 'x/y'));
  const whole = WebAssembly.Module.exports(meterWasm(wasm)).map(({ name }) => name);
  assert.ok(whole.includes('eval') && whole.includes(stepsLeft));
  for (let round = 0; round < 60; round += 1) {
    const at = Math.floor((round * wasm.length) / 60) + 9;
    const changed = wasm.slice();
    changed[at] = ((changed[at] ?? 0) + 1 + round) % 256;
    for (const bytes of [wasm.subarray(0, at), changed])
      try {
        assert.ok(WebAssembly.Module.exports(meterWasm(bytes)).some(({ name }) => name === stepsLeft));
      } catch (error) {
        const isOurs = error instanceof Error && 'code' in error && error.code === 'wasm-invalid';
        assert.ok(
          isOurs || error instanceof WebAssembly.CompileError || bytes.length < wasm.length,
          String(error),
        );
      }
  }
});
