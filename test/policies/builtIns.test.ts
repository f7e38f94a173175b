import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { answerAll } from '../../bundle/policy/answerAll.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { capabilitiesFile } from '../../bundle/policy/policies.ts';
import { random } from '../../demo/random.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { suite } from '../_suite.ts';

const test = suite('policies: built-ins answer in WASM as in OPA');

const declared = z.object({ type: z.string(), of: z.unknown().optional() });
const builtin = z.object({ name: z.string(), decl: z.object({ args: z.array(declared).default([]) }) });
const { builtins } = z
  .object({ builtins: z.array(builtin) })
  .parse(JSON.parse(await readFile(capabilitiesFile, 'utf8')));

/** What is hard about each type, as Rego; only what an examined policy may write. */
const nulls = ['null', 'true', 'false'];
const strings = [
  ...[
    '""',
    '"a"',
    '"b"',
    '"ab"',
    '"abcabc"',
    '"aXa"',
    '"123"',
    '"a,b,,c"',
    '"a.b/c"',
    '"x\\ny"',
    '"\\u0000x"',
  ],
  ...[
    '"ÄÖé"',
    '"e\\u0301"',
    '"ß"',
    '"ǆİı"',
    '"日本"',
    '"😀a"',
    '"\\uffff"',
    '"ΑΣ"',
    '"\\u212a"',
    '"<&>\\u2028\\"\\\\"',
  ],
  ...['" \\t\\n a\\u00a0"', '"\\u2003b\\u0085"', '"\\u007f\\u0001"', '"__proto__"'],
];
const numbers = [
  ...['0', '1', '-1', '2', '3', '-7', '10', '64', '100', '1795428000', '2147483647', '2147483648'],
  ...['-2147483648', '-2147483649', '4294967296', '999999999999999', '-999999999999999'],
];
/** What sums and products come to, beyond what may be written. */
const made = [
  '(999999999999999 * 999999999999999)',
  '(4294967296 * 4294967296)',
  '(0 * -1)',
  '(9223372 * 1000000000000)',
];
const sets = [
  'set()',
  '{1}',
  '{1,2,3}',
  '{"b","a","c","aa"}',
  '{3,"x",null,true,[1],{"a":1}}',
  '{{1},{2}}',
  '{-1,0,4294967296}',
];
const arrays = [
  ...['[]', '[1]', '[3,1,2]', '["b","a","c"]', '[1,[2,[3,set()]],{4}]', '[null,true,"x",{"a":1},[1]]'],
  ...[
    '["a",1]',
    '[[1,2],[2,3]]',
    '[{"a":1},{"b":2},{"a":{"c":3}}]',
    '["a"]',
    '["é","e","f","Z","😀","\\uffff"]',
  ],
  '[true,null,1,"a",[],{},set(),-3,"B",{"a":1}]',
];
const objects = [
  ...[
    '{}',
    '{"a":1}',
    '{"b":1,"a":{"c":[1,{"d":2}]}}',
    '{1:"x","1":"y"}',
    '{"a":{"b":1},"c":null}',
    '{"a":null}',
  ],
  ...[
    '{"z":false,"é":1,"Z":2}',
    '{[1]:2, {"a":1}:3, null:4}',
    '{"a":["b","c"],"b":["a"],"c":[]}',
    '{"x":{"y":{"z":1}}}',
  ],
];
const some = [
  ...nulls,
  ...strings.slice(0, 4),
  ...numbers.slice(0, 4),
  ...sets,
  ...arrays.slice(0, 9),
  ...objects,
];
const places = [...numbers.slice(0, 8), '4294967297', ...made];
const keys = ['{"a"}', '["a","b"]', '{"a":1}', '[]', '[1]', '{1,"1"}', '["a","a"]', '{[1],null}'];
const patterns = [
  ...[
    '"a"',
    '""',
    '"^a.c"',
    '"(a+)+$"',
    '"["',
    '"\\\\d+"',
    '"(a|ab)(c|bcd)"',
    '"a{2}"',
    '"(?:b|c)*?"',
    '"^$"',
    '"$"',
    '"."',
  ],
  ...[
    '"[^a-c,]"',
    '"x*"',
    '"a**"',
    '"(|a)*"',
    '"\\\\s"',
    '"\\\\W"',
    '"[\\\\w.-]+"',
    '"(a"',
    '"a.b/c"',
    '"^*"',
    '"a{2,1}"',
  ],
];

/** What other values than those of their types are given to built-ins where these matter. */
const special: Readonly<Record<string, readonly string[][]>> = {
  'array.slice': [arrays, places, places],
  concat: [strings, [...arrays, '["x", "y"]']],
  'graph.reachable': [
    [
      '{}',
      '{"a":["b","c"],"b":["a"],"c":[]}',
      '{"a":{"b"},"b":null}',
      '{"a":["x"]}',
      '{1:[2],2:[1]}',
      '{"a":"b"}',
    ],
    ['["a"]', '{"a"}', '[]', '["zz"]', '["a","c"]', '{1}', '"a"'],
  ],
  indexof: [strings, strings.filter((one) => one !== '""')],
  'internal.member_3': [['0', '1', '"a"', '"b"', 'null'], some, [...arrays, ...sets, ...objects]],
  'internal.member_2': [some, [...arrays, ...sets, ...objects, '"abc"', '1']],
  intersection: [['set()', '{set()}', '{{1},{1,2}}', '{{1},{2}}', '{{1,2},set()}', '{1}']],
  'object.filter': [objects, keys],
  'object.get': [
    [...objects, '[1,2]', '"x"', 'null'],
    ['"a"', '1', '"1"', '["a"]', '["a","c"]', '[]', '["a","c",0]', 'null', '["x","y","z"]', '[1]', '["a",1]'],
    ['"d"', 'null'],
  ],
  'object.remove': [objects, keys],
  'object.union': [objects, [...objects, '{"a":{"x":1}}', '{"a":{"b":{"q":1}}}', '{"x":{"y":2}}', '{1:5}']],
  'regex.match': [patterns, strings],
  replace: [strings, strings.filter((one) => one !== '""'), strings],
  substring: [strings, places, places],
  union: [['set()', '{set()}', '{{1},{1,2}}', '{{1},{2}}', '{{1,2},set()}', '{1}']],
};
const ofType = ({ type, of }: z.output<typeof declared>): readonly string[] => {
  const known = {
    string: strings,
    number: [...numbers, ...made],
    set: sets,
    array: arrays,
    object: objects,
    boolean: nulls,
  };
  if (Object.hasOwn(known, type)) return known[type as keyof typeof known];
  return Array.isArray(of) ? [...new Set(of.flatMap((one) => ofType(declared.parse(one))))] : some;
};

const most = 90;
const draw = random('built-ins');
/** Each a call with what it is given; of what there is too much of, as much as is drawn. */
const cases = builtins
  // Equality and assignment are syntax, and compiled away.
  .filter(({ name }) => name !== 'eq' && name !== 'assign')
  .flatMap(({ name, decl }) => {
    const pools = special[name] ?? decl.args.map(ofType);
    const all = pools.reduce<string[][]>(
      (lists, pool) => lists.flatMap((list) => pool.map((one) => [...list, one])),
      [[]],
    );
    return all.filter(() => draw.chance(most / all.length)).map((given) => ({ name, given }));
  });

/** What a value is in JSON says neither whether it is a set, nor in which order. */
const spelt = (value: unknown): string => {
  if (Array.isArray(value)) {
    const [type, ...rest] = value;
    if (type === 'set' && Array.isArray(rest[0])) return `set ${rest[0].map(spelt).sort().join()}`;
    return `[${value.map(spelt).join()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  return `{${Object.entries(value)
    .map(([key, one]) => `${key}:${spelt(one)}`)
    .sort()
    .join()}}`;
};

test('every one of them, for what is hard about what it may be given', async () => {
  const opa = await findOpa();
  const entrypoint = 'grantgate/authz/answer';
  // In groups, as WASM goes through all rules of a name.
  const groupOf = (index: number) => index >> 6;
  const rules = cases.map(
    ({ name, given }, index) =>
      `g${groupOf(index)} := [type_name(y), y] if { input.index == ${index}; y := ${name}(${given.map((one) => `any(${one})`).join(', ')}) }`,
  );
  for (let group = 0; group <= groupOf(cases.length - 1); group += 1)
    rules.push(`answer := g${group} if input.group == ${group}`);
  const policies = new Map([
    ['policies/authz/x.rego', Buffer.from(`package grantgate.authz\nany(x) := x\n${rules.join('\n')}\n`)],
  ]);
  const inputs = cases.map((_, index) => ({ index, group: groupOf(index) }));
  const expected = await answerAll(opa, policies, entrypoint)(inputs, {});
  const wasm = new Uint8Array(await compilePolicy(opa, policies, entrypoint));
  const { evaluate } = createEvaluator(new WebAssembly.Module(wasm), entrypoint);
  const differing = cases.flatMap(({ name, given }, index) => {
    const [inOpa, inWasm] = [spelt(expected[index]), spelt(evaluate(inputs[index], {}))];
    return inOpa === inWasm ? [] : [`${name}(${given.join(', ')}): ${inOpa} in OPA, ${inWasm} in WASM`];
  });
  assert.deepEqual(differing, []);
  const answered = new Set(cases.filter((_, index) => expected[index] !== undefined).map(({ name }) => name));
  assert.equal(answered.size, builtins.length - 2);
});
