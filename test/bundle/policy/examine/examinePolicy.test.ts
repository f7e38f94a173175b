import * as assert from 'node:assert/strict';
import { gitTree } from '../../../../bundle/git/tree.ts';
import { admitPolicy } from '../../../../bundle/policy/admitPolicy.ts';
import { examinePolicy } from '../../../../bundle/policy/examine/examinePolicy.ts';
import { apiFields } from '../../../../bundle/policy/examine/policyReads.ts';
import { findOpa, type Opa } from '../../../../bundle/policy/opa.ts';
import { readPolicies } from '../../../../bundle/policy/policies.ts';
import { suite } from '../../../_suite.ts';
import { folder } from '../../_opa.ts';
import { type SampleTree, sampleTree } from '../../_organisation.ts';

const test = suite('examinePolicy');
const path = 'policies/authz/x.rego';

let opa: Opa;
let tree: SampleTree;
test.before(async () => {
  opa = await findOpa();
  tree = await sampleTree({}, { git: true });
});
test.after(() => tree.remove());

const examine = (body: string, head = '') =>
  examinePolicy(opa, new Map([[path, Buffer.from(`package grantgate.authz\n${head}\n${body}\n`)]]));

/** What is told of each of many bodies, in one run: the rules of each get names of their own, left out in what is told. */
async function examineApart(bodies: readonly string[]): Promise<string[][]> {
  const lines = bodies.flatMap((body, index) =>
    body.split('\n').map((line) => ({
      index,
      text: line.replace(/\b(?:f|mine|names|o|x|y)\b/g, (name) => `${name}_${index}`),
    })),
  );
  const { problems } = await examine(lines.map(({ text }) => text).join('\n'));
  const told = bodies.map((): string[] => []);
  for (const { line, message } of problems) {
    const { index } = lines[line - 3] ?? assert.fail(message);
    told[index]?.push(message.replaceAll(`_${index}`, ''));
  }
  return told;
}

test('the policy that comes with the product reads grants and principals, and follows no clock', async () => {
  const { problems, reads } = await examinePolicy(
    opa,
    await readPolicies(await gitTree(tree.root, 'main'), 'authz'),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(reads, { api: [], clock: false, networks: false });
});

test('what a decision gets may be read, and is told', async () => {
  const good: [body: string, api: string[], networks?: boolean][] = [
    ['x if data.apis[input.api].tier == "critical"', ['tier']],
    ['x if { api := input.api; data.apis[api]["owner"] in input.groups }', ['owner']],
    ['x if { some name, _ in data.apis[input.api].operations; name == input.operation }', ['operations']],
    ['x if "office" in object.keys(data.networks)', [], true],
    ['x if { some name; data.networks[name] != []; name in input.networks }', [], true],
    ['x if data.grants[input.api][input.subject]', []],
    ['x if data.grants[input.api][input.groups[_]][_].state == "suspended"', []],
    [
      'x if { some g in data.principals[input.subject].groups; some y in data.grants[input.api][g]; y.id }',
      [],
    ],
    [
      'x := {y | some g in names; some y in data.grants[input.api][g]}\nnames := {input.subject} | {g | some g in input.groups}',
      [],
    ],
    [
      'x if { some g in names; grants(g) != [] }\ngrants(name) := data.grants[input.api][name]\nnames contains input.subject',
      [],
    ],
    ['x if { every g in input.groups { count(data.grants[input.api][g]) > 0 } }', []],
    ['x if data.grantgate.authz.y == 1\ny := 1', []],
    ['default x := false\nx if object.get(input, "mfa", false)', []],
  ];
  for (const [body, api, networks = false] of good) {
    const { problems, reads } = await examine(body);
    assert.deepEqual([problems, reads.api, reads.networks], [[], api, networks], body);
  }
  assert.equal((await examine('x if data.apis[input.api] == {}')).reads.api.length, apiFields.length);
  assert.equal(
    (await examine('x if { some key; data.apis[input.api][key] }')).reads.api.length,
    apiFields.length,
  );
});

test('what a decision may not get is refused by rule and line', async () => {
  const bad: [body: string, column: number, says: RegExp, head?: string][] = [
    ['x := data', 6, /^x: data must be read by a name/],
    ['x if walk(data, [_, "critical"])', 11, /^x: data must be read/],
    ['x if { some key; data[key] }', 18, /^x: data must be read/],
    ['x if data.credentials', 6, /^x: a decision does not get data\.credentials/],
    ['x if data.invented.thing', 6, /^x: a decision does not get data\.invented/],
    ['x if not data.apis.orders.tier == "low"', 10, /^x: of data\.apis/],
    ['x if { some api; data.apis[api].tier == "low" }', 18, /^x: of data\.apis/],
    ['x if { some api, _ in data.apis; api }', 23, /^x: of data\.apis/],
    ['x if data.apis[input.api].colour', 6, /^x: an API's entry has no colour/],
    ['x if data.principals["user:ann"].active', 6, /^x: of data\.principals/],
    ['x if count(data.principals) > 0', 12, /^x: of data\.principals/],
    ['x if { some who in input.groups; data.principals[who] }', 34, /^x: of data\.principals/],
    ['x if data.grants.orders[input.subject]', 6, /^x: of data\.grants/],
    ['x if data.grants[input.api]["user:ann"]', 6, /^x: of data\.grants/],
    ['x if { some p; data.grants[input.api][p] }', 16, /^x: of data\.grants/],
    ['x if data.grants[input.api][_]', 6, /^x: of data\.grants/],
    ['x if count(data.grants[input.api]) == 1', 12, /^x: of data\.grants/],
    [
      'x if { some g in input.groups; p := concat("", [g]); data.grants[input.api][p] }',
      54,
      /^x: of data\.grants/,
    ],
    [
      'x if { some g in names; data.grants[input.api][g] }\nnames contains "group:a"\nnames contains input.subject',
      25,
      /^x: of data\.grants/,
    ],
    [
      'x := f("user:ann")\ny := f(input.subject)\nf(name) := data.grants[input.api][name]',
      11,
      /^f: of data\.grants/,
    ],
    [
      'x if { some g in input.groups; [1 | some g in ["user:ann"]; data.grants[input.api][g]] }',
      61,
      /^x: of data\.grants/,
    ],
    ['x if input.headers', 6, /^x: a decision does not get input\.headers/],
    ['x if object.get(input, "header", 1)', 17, /^x: a decision does not get input\.header/],
    ['x if { some key; input[key] }', 18, /^x: a field of input must be named/],
    ['x := input', 6, /^x: input must be read/],
    ['x if y with input.api as "a"\ny if input.mfa', 13, /^x: with is for tests/],
    ['x if object.get(input, "mfa", 1)\nobject.get(a, b, c) := 1', 1, /must not be named object/],
    ['x if apis[input.api]', 1, /only rules below data\.grantgate\.authz/, 'import data.apis'],
    ['x if who.subject', 1, /only rules below/, 'import input as who'],
    ['x if { y := $"{input.secret}"; y }', 16, /input\.secret/],
  ];
  for (const [body, column, says, head] of bad) {
    const { problems } = await examine(body, head);
    const [first] = problems;
    assert.ok(first, body);
    assert.equal(first.file, path);
    assert.match(first.message, says, body);
    if (head !== undefined) assert.equal(first.line, 2, body);
    else if (!body.includes('\n')) assert.deepEqual([first.line, first.column], [3, column], body);
  }
});

test('a name stands for anything in what comes before the expression that declares it, and within that', async () => {
  const early = [
    'x := c if { c := count([1 | data.grants[input.api][n]]); n := input.subject }',
    'x := c if { c := count([1 | data.grants[input.api][n]]); some n in input.groups }',
    'x if { not y([1 | data.grants[input.api][n]]); n := input.subject }\ny(_) := false',
    'x if { n := f([1 | data.grants[input.api][n]]); n }\nf(_) := input.subject',
    'x if { some n in f([1 | data.grants[input.api][n]]); n }\nf(_) := [input.subject]',
    'x if { n := input.subject; y := [1 | data.grants[input.api][n]; n := "group:a"]; y }',
    'x if { every g in input.groups { not y([1 | data.grants[input.api][n]]); n := g } }\ny(_) := false',
  ];
  for (const body of early) {
    const { problems } = await examine(body);
    assert.match(problems[0]?.message ?? 'admitted', /^x: of data\.grants/, body);
  }
  const late = [
    'x := c if { n := input.subject; c := count([1 | data.grants[input.api][n]]) }',
    'x := n if { n := input.subject; data.grants[input.api][n] }',
    'x := y if { some n in input.groups; y := [1 | m := n; data.grants[input.api][m]] }',
    'x if { every n in [n | some n in input.groups] { data.grants[input.api][n] } }',
  ];
  for (const body of late) assert.deepEqual((await examine(body)).problems, [], body);
});

test('what other packages add to a rule is part of it, however its place is written', async () => {
  const own = 'mine := [1 | some n in names; data.grants[input.api][n]]\nnames contains input.subject';
  const file = (name: string, body: string): [string, Buffer] => [
    `policies/authz/${name}.rego`,
    Buffer.from(`package grantgate.authz${body}\n`),
  ];
  const told = async (...files: [string, Buffer][]) =>
    (await examinePolicy(opa, new Map(files))).problems.map(({ message }) => message.slice(0, 20));
  const refused = ['mine: of data.grants'];
  const lib = file('lib', `.lib.a\n${own}`);
  assert.deepEqual(await told(lib), []);
  assert.deepEqual(await told(lib, file('x', '\nlib.a.others contains "group:a"')), []);
  assert.deepEqual(await told(lib, file('x', '.other.a\nnames contains "group:a"')), []);
  assert.deepEqual(await told(lib, file('x', '\nlib.a.names contains "group:a"')), refused);
  assert.deepEqual(await told(lib, file('x', '.lib\na.names contains "group:a"')), refused);
  assert.deepEqual(await told(lib, file('x', '.lib\na["names"] contains "group:a"')), refused);
  assert.deepEqual(await told(lib, file('x', '.lib\na[k] := "group:a" if some k in ["names"]')), refused);
  assert.deepEqual(await told(lib, file('x', '.lib.a\nnames contains "group:a"')), refused);
  const called = file(
    'f',
    '.lib\nmine := [1 | some n in f(1); data.grants[input.api][n]]\nf(2) := [input.subject]',
  );
  assert.deepEqual(await told(called), []);
  assert.deepEqual(await told(called, file('x', '\nlib.f(1) := ["group:a"]')), refused);
  const dotted = file('d', `["x.y"]\n${own.replace('input.subject', '"group:a"')}`);
  assert.deepEqual(await told(dotted, file('x', '.x.y\nnames contains input.subject')), refused);
});

test('a package elsewhere would make up the document, however its name is written', async () => {
  for (const written of [
    'package grants',
    'package\n  grants\ny := `\npackage grantgate.authz\n`',
    'package grantgate',
  ]) {
    const { problems } = await examinePolicy(opa, new Map([[path, Buffer.from(`${written}\nx := 1\n`)]]));
    assert.match(problems[0]?.message ?? 'admitted', /^package grant\w+: the package must be/, written);
  }
  assert.deepEqual((await examine('x := 1')).problems, []);
});

test('a rule that looks at time otherwise than at the end of a grant follows the clock', async () => {
  const grant = 'some g in data.grants[input.api][input.subject]';
  const clocks: [body: string, clock: boolean][] = [
    [`x if { ${grant}; input.time < g.expires }`, false],
    [`x if { ${grant}; not input.time >= g.expires }`, false],
    [`x if { ${grant}; g.expires > input.time }`, false],
    [`x if { ${grant}; ends := object.get(g, "expires", input.time + 1); input.time < ends }`, false],
    ['x if is_number(input.time)', false],
    // One second after the end.
    [`x if { ${grant}; input.time <= g.expires }`, true],
    [`x if { ${grant}; input.time < g.expires - 60 }`, true],
    [
      `x if { ${grant}; ends := object.get(g, "expires", input.time + 1); input.time < ends; ends % 2 == 0 }`,
      true,
    ],
    [`x := ends if { ${grant}; ends := object.get(g, "expires", input.time + 1) }`, true],
    [`x if { ${grant}; ends := object.get(g, "expires", input.time - 1); input.time < ends }`, true],
    ['x if { g := {"expires": 1795428000}; input.time < g.expires }', true],
    ['x if input.time % 86400 > 28800', true],
    ['x if object.get(input, "time", 0) > 5', true],
    ['x := input.time', true],
  ];
  for (const [body, clock] of clocks) {
    const { problems, reads } = await examine(body);
    assert.deepEqual([problems, reads.clock], [[], clock], body);
  }
});

test('what WASM answers otherwise than OPA, or never, is refused by its shape', async () => {
  const mine = 'mine contains one if { some one in data.grants[input.api][input.subject] }';
  const bad: [body: string, says: RegExp][] = [
    ['x := replace(input.path, "", "y")', /^x: what replace looks for must be a text/],
    ['x := replace(input.path, input.method, "y")', /^x: what replace looks for/],
    ['x if indexof(input.path, "") == 0', /^x: what indexof looks for/],
    ['x if { replace(input.path, input.method, "y", z); z }', /^x: what replace looks for/],
    ['x if regex.match(input.method, input.path)', /^x: the pattern of regex.match/],
    ['x if regex.match("(?<a>b)", input.path)', /^x: the pattern/],
    ['x if regex.match(`\\pL`, input.path)', /^x: the pattern/],
    ['x if regex.match("(?i)get", input.method)', /^x: the pattern/],
    ['x if regex.match("é", input.method)', /^x: the pattern/],
    [`x if regex.match("${'a'.repeat(201)}", input.method)`, /^x: the pattern/],
    ['x := 1.0', /^x: numbers are whole/],
    ['x := 0.5', /^x: numbers are whole/],
    ['x := 1e3', /^x: numbers are whole/],
    ['x := -0', /^x: numbers are whole/],
    ['x := 1234567890123456', /^x: numbers are whole, of at most 15 digits.*got 1234567890123456$/],
    ['x := concat(",", {"a", "b"})', /^x: concat must surely be given an array/],
    ['x := concat(",", names)\nnames contains input.subject', /^x: concat must/],
    ['x := f({"a"})\nf(y) := concat(",", y)', /^f: concat must/],
    ['x := concat(",", object.keys(data.networks))', /^x: concat must/],
    [`x := [one.id | some one in mine]\n${mine}`, /^x: an array must not be made/],
    [`x := [one.id | mine[one]]\n${mine}`, /^x: an array must not/],
    [`x := [one.id | one := mine[_]]\n${mine}`, /^x: an array must not/],
    [`x := [mine[_].id | true]\n${mine}`, /^x: an array must not/],
    [`x := [y | some y in [one.id | some one in mine]]\n${mine}`, /^x: an array must not/],
    [
      `x := sort([one.id | some one in mine])[0]\ny := [one.id | some one in mine][0]\n${mine}`,
      /^y: an array/,
    ],
    ['x := [name | some name, _ in data.networks]', /^x: an array must not/],
    ['x := [name | data.networks[name]]', /^x: an array must not/],
    [
      'x := [y | some name in ["a"]; y := data.networks[name][_]; data.networks[z] != y]',
      /^x: an array must not/,
    ],
    ['x := [v | some v in data.apis[input.api].roles]', /^x: an array must not/],
    ['x := [v | some v in {"b", "a"}]', /^x: an array must not/],
    ['x := [v | some v in f(1)]\nf(1) := {"b", "a"}', /^x: an array must not/],
    ['x := f({"b", "a"})\nf(all) := [v | some v in all]', /^f: an array must not/],
    ['x := f(["b"])\ny := f({"a"})\nf(all) := [v | some v in all]', /^f: an array must not/],
    ['x := y if { s := {"a", "b"}; y := [v | some v in s] }', /^x: an array must not/],
    ['x := y if { y := [v | some v in s]; s := ["a", "b"] }', /^x: an array must not/],
    ['concat(a, b) := 1', /must not be named concat/],
    ['count(a) := 1', /must not be named count/],
  ];
  const toldOf = await examineApart(bad.map(([body]) => body));
  for (const [index, [body, says]] of bad.entries())
    assert.match(toldOf[index]?.[0] ?? 'admitted', says, body);
  const good = [
    'x := replace(input.path, "/", "")',
    'x if indexof(input.path, "/") == 0',
    'x if regex.match(`^/v[0-9]+/(?:a|b)*$`, input.path)',
    'x := concat(",", ["a", input.method])',
    'x := concat(",", sort({"a", "b"}))',
    'x := concat(",", input.groups)',
    'x := f(["a"])\nf(y) := concat(",", y)',
    'x := concat(",", names)\nnames := sort({g | some g in input.groups})',
    `x := sort([one.id | some one in mine])\n${mine}`,
    `x := count([one.id | some one in mine])\n${mine}`,
    `x if "a" in [one.id | some one in mine]\n${mine}`,
    `x if count(y) == 1\ny := [1 | some one in mine]\n${mine}`,
    'x := [one.id | some g in input.groups; some one in data.grants[input.api][g]]',
    'x := [y | some one in data.grants[input.api][input.subject]; some y in one.operations]',
    'x := [y | some one in data.grants[input.api][input.subject]; some y in one.conditions.networks]',
    'x := [y | y := input.groups[_]]',
    'x := [data.networks[n] | some n in input.networks]',
    'x := [r | some r in data.networks["office"]]',
    'x := {name | some name, _ in data.networks}',
    'x := 123456789012345',
    'x := -1',
    'x := [v | some g in input.groups; some v in data.grants[input.api][g]; o[v]]\no := {1: 2}',
  ];
  assert.deepEqual(
    await examineApart(good),
    good.map(() => []),
  );
});

test('is not admitted, and what is admitted is kept', async () => {
  const cache = await folder();
  try {
    const bad = new Map([
      [path, Buffer.from('package grantgate.authz\n\ndefault decision := {}\n\ndecision := data.apis\n')],
    ]);
    await assert.rejects(admitPolicy(opa, bad, cache.path), {
      code: 'policy-invalid',
      message: /^policies\/authz\/x\.rego:5:13: decision: of data\.apis/,
    });
    const good = new Map([[path, Buffer.from('package grantgate.authz\n\ndecision := {}\n')]]);
    const first = await admitPolicy(opa, good, cache.path);
    const silent = { ...opa, run: () => Promise.reject(new Error('opa is asked once more')) };
    assert.deepEqual(await admitPolicy(silent, good, cache.path), first);
  } finally {
    await cache.remove();
  }
});

test('whatever shape a rule has, what is read by way of it is followed or refused', async () => {
  const bad = [
    'x := f(data)\nf(o) := o.credentials',
    'x := f(data.principals, "user:ann")\nf(o, y) := o[y]',
    'x := f("group:a")\ndefault f(_) := false\nf(y) if data.grants[input.api][y]',
    'x := data.grants[input.api][f(1)]\nf(1) := input.subject\nf(2) := "group:a"',
    'x if { y with input as {"api": "api-1"} }\ny if data.apis[input.api].tier',
    'x if { every o in input.groups { y with input.subject as o } }\ny if data.grants[input.api][input.subject]',
    'x if { every y in data.principals { y.active } }',
    'x if { input.mfa } else := data.apis["orders"].tier',
    'x := data.grants[input.api][names]\nnames := input.subject if { input.mfa } else := "group:a"',
    'x := data.grants[input.api][names]\ndefault names := "group:a"\nnames := input.subject if input.mfa',
    'x := data.apis[y].tier\ndefault y := "orders"\ny := input.api if input.mfa',
    'x := data[`credentials`]',
    'x := data["\\u0063redentials"]',
    'x := data[$"cred{"entials"}"]',
    'x := data.grants[input.api][$"group:{input.operation}"]',
    'x if { [y, _] = ["group:a", 1]; data.grants[input.api][y] }',
    'x if { {"a": y} = {"a": "group:a"}; data.grants[input.api][y] }',
    'x if { data.grants[input.api][y]; y = "group:a" }',
    'x if { data.grants[y][input.subject]; y == input.api }',
    'x := {y | some y, _ in input.groups; data.grants[input.api][y]}',
    'x := {y | some y, _ in {"group:a": 1}; data.grants[input.api][y]}',
    'x := {1 | some names in ["group:a"]; data.grants[input.api][names]}\nnames := input.subject',
    'x := {1 | some y in names; data.grants[input.api][y]}\nnames[y] := y if some y in ["group:a"]',
    'x := data.grants[input.api][names.a]\nnames["a"] := "group:a"',
    'x := data.grants[input.api][{"a": "group:a"}.a]',
    'x contains data.owners[y] if some y in input.groups',
    'x if { o := data; o.credentials }',
    'x if { o = data.grants; o["orders"] }',
    'x if data == {}',
    'x := {"a": [data.apis]}',
    'x := object.get(data, "credentials", 1)',
    'x := object.get(input, ["secret"], 1)',
    'x := [input][0].secret',
  ];
  const told = await examineApart(bad);
  for (const [index, body] of bad.entries()) assert.ok((told[index] ?? []).length > 0, body);
});

test('a function is given what it is given through an import too', async () => {
  const lib = 'package grantgate.authz.lib\n\ntier(api) := data.apis[api].tier\n\nown := tier(input.api)\n';
  const told = async (imported: string, called: string) => {
    const body = `package grantgate.authz\n\nimport ${imported}\n\ndecision := {"allow": ${called} == "low"}\n`;
    const { problems } = await examinePolicy(
      opa,
      new Map([
        ['policies/authz/lib.rego', Buffer.from(lib)],
        [path, Buffer.from(body)],
      ]),
    );
    return problems.length;
  };
  const place = 'data.grantgate.authz.lib';
  assert.equal(await told(place, 'lib.tier(input.api)'), 0);
  for (const [imported, called] of [
    [place, 'lib.tier(input.subject)'],
    [`${place} as other`, 'other.tier(input.subject)'],
    [`${place} as other`, `${place}.tier(input.subject)`],
  ] as const)
    assert.equal(await told(imported, called), 1, called);
});
