import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { capabilitiesFile } from '../../bundle/policy/policies.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { suite } from '../_suite.ts';

const test = suite('policies: capabilities');

const builtin = z.object({
  name: z.string(),
  decl: z.object({ args: z.array(z.unknown()).default([]) }),
  relation: z.boolean().default(false),
});
const { builtins } = z
  .object({ builtins: z.array(builtin) })
  .parse(JSON.parse(await readFile(capabilitiesFile, 'utf8')));

const entrypoint = 'grantgate/probe/answer';
const compiled = async (source: string) => {
  const policies = new Map([['policies/authz/probe.rego', Buffer.from(source)]]);
  return new WebAssembly.Module(new Uint8Array(await compilePolicy(await findOpa(), policies, entrypoint)));
};
const rule = (body: string) => `package grantgate.probe\n\nanswer contains 1 if {\n\t${body}\n}\n`;

/** The built-ins a module asks its host for, which would be missing at the first request that needs them. */
function asksHostFor(module: WebAssembly.Module): string[] {
  const memory = new WebAssembly.Memory({ initial: 5 });
  const nothing = () => 0;
  const names = ['opa_abort', 'opa_println', ...[0, 1, 2, 3, 4].map((arity) => `opa_builtin${arity}`)];
  const env = { memory, ...Object.fromEntries(names.map((name) => [name, nothing])) };
  const exported = new WebAssembly.Instance(module, { env }).exports;
  const call = (name: string, ...values: number[]): number => {
    const found = exported[name];
    assert.ok(typeof found === 'function', name);
    return found(...values);
  };
  const bytes = new Uint8Array(memory.buffer);
  const start = call('opa_json_dump', call('builtins'));
  const text = Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString();
  return Object.keys(JSON.parse(text));
}

test('name only built-ins that WASM has itself, so none is missing at the gateway', async () => {
  // Equality and assignment are syntax, and compiled away.
  const called = builtins.filter(({ name }) => name !== 'eq' && name !== 'assign');
  assert.ok(called.length > 50);
  const calls = called.map(({ name, decl, relation }) => {
    const given = decl.args.map((_, i) => `input.x${i}`).join(', ');
    return relation ? `${name}(${given}, _)` : `_ = ${name}(${given})`;
  });
  assert.deepEqual(
    asksHostFor(
      await compiled(
        calls
          .map(rule)
          .join('')
          .replaceAll(/(?<=\n)package.*\n/g, ''),
      ),
    ),
    [],
  );
});

test('refuse what is not WASM’s own, the clock and the network first', async () => {
  const refused = [
    'time.now_ns() > 0',
    'http.send({"url": input.x}).status_code == 200',
    'rand.intn("x", 2) == 1',
    'sprintf("%d", [1]) == "1"',
  ];
  for (const body of refused) await assert.rejects(compiled(rule(body)), { code: 'policy-invalid' }, body);
});

test('suffice for a policy that answers', async () => {
  const { evaluate } = createEvaluator(await compiled(rule('startswith(input.x, "a")')), entrypoint);
  assert.deepEqual(evaluate({ x: 'abc' }, {}), [1]);
  assert.deepEqual(evaluate({ x: 'bc' }, {}), []);
});
