import * as assert from 'node:assert/strict';
import { z } from 'zod';
import { compile } from '../../bundle/compile/compile.ts';
import { admitPolicy } from '../../bundle/policy/admitPolicy.ts';
import { answerAll } from '../../bundle/policy/answerAll.ts';
import { examinePolicy } from '../../bundle/policy/examine/examinePolicy.ts';
import { findOpa, type Opa } from '../../bundle/policy/opa.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { random } from '../../demo/random.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { suite } from '../_suite.ts';
import { folder } from '../bundle/_opa.ts';
import { generatedOrganisation, networkNames, now, operationNames } from './_organisation.ts';

const test = suite('policies of other shapes: what loads answers as OPA does');

let draw = random('shapes-1');
const made = generatedOrganisation('shapes-1');
const tiers = ['low', 'high', 'critical'] as const;
const organisation = {
  ...made,
  apis: new Map(
    [...made.apis.values()].map((api) => [
      api.name,
      { ...api, tier: draw.pick(tiers), owner: 'group:team-3' },
    ]),
  ),
};
const document = compile(organisation);

/** Each may be true or undefined, and reads what a decision gets in a way of its own. */
const conditions = [
  'data.apis[input.api].tier == "critical"',
  'not data.apis[input.api].tier in {"low", "high"}',
  'data.apis[input.api].owner in input.groups',
  'startswith(data.apis[input.api].operations[input.operation], "GET ")',
  'count([name | some name, _ in data.apis[input.api].operations]) > 5',
  'some name, _ in data.networks; name in input.networks',
  'count(data.networks) == 4',
  'every name in input.networks { data.networks[name] }',
  'data.principals[input.subject].active',
  'not data.principals[input.subject]',
  '"group:team-2" in data.principals[input.subject].groups',
  'some g in input.groups; some one in data.grants[input.api][g]; one.state == "suspended"',
  'count(data.grants[input.api][input.subject]) > 1',
  'not data.grants[input.api][input.subject]',
  'count(mine) > 2',
  'some one in mine; input.time < one.expires',
  'count({one.id | some one in mine; one.conditions.mfa}) == 0',
  'weight(data.apis[input.api].tier) > 1',
  'object.get(input, "mfa", false)',
  'input.method == "GET"',
  'level == "all"',
  'some key, value in data.apis[input.api]; key == "tier"; value == "high"',
];
const helpers = `
names := {input.subject} | {g | some g in input.groups} | {g | some g in data.principals[input.subject].groups}
mine contains one if { some name in names; some one in data.grants[input.api][name] }
weight("critical") := 3
weight("high") := 2
weight("low") := 1
default level := "some"
level := "all" if { count(input.networks) == 0 } else := "none" if not input.mfa
`;

const rules = conditions.map((condition, index) => `c${index} if { ${condition} }`).join('\n');

/** A decision of deny rules, allow rules and an else chain, over conditions drawn by chance. */
function drawn(): string {
  const one = () => {
    const index = draw.pick([...conditions.keys()]);
    const forms = [`c${index}`, `not c${index}`, `count({1 | ${conditions[index]}}) == 1`];
    return draw.pick([...forms, `count([1 | ${conditions[index]}]) == 0`]);
  };
  const body = () => Array.from({ length: draw.pick([1, 1, 2, 3]) }, one).join('; ');
  return `package grantgate.authz
${helpers}
${rules}
deny contains "first" if { ${body()} }
deny contains "second" if { ${body()} }
fine if { ${body()} }
fine if { ${body()} }
ids := sort([one.id | some one in mine])
default decision := {"allow": false, "grants": [], "reason": "nothing"}
decision := {"allow": true, "grants": ids, "reason": "fine"} if { fine; count(deny) == 0; count(ids) > 0
} else := {"allow": false, "grants": [], "reason": concat(" ", sort(deny))} if { count(deny) > 0
} else := {"allow": false, "grants": [], "reason": "rest"} if { ${body()} }
`;
}

const inputs = (count: number) => {
  const subjects = [...made.memberships.keys(), 'user:stranger@example.com'];
  return Array.from({ length: count }, () => {
    const subject = draw.pick(subjects);
    const vouched = draw.chance(0.2);
    return {
      subject,
      groups: vouched ? ['group:team-1', 'group:team-5'] : (made.memberships.get(subject) ?? []),
      ...(vouched ? { groups_from: 'token' } : {}),
      api: draw.pick([...organisation.apis.keys()]),
      operation: draw.pick(operationNames),
      method: draw.pick(['GET', 'DELETE']),
      path: '/v1/x',
      networks: networkNames.filter(() => draw.chance(0.3)),
      mfa: draw.chance(0.5),
      time: now + draw.pick([-2, -1, 0, 1, 2]),
    };
  });
};

let opa: Opa;
let work: Awaited<ReturnType<typeof folder>>;
test.before(async () => {
  opa = await findOpa();
  work = await folder({});
});
test.after(() => work.remove());

type Compared = { answers: unknown[]; clock: boolean };

async function compare(rego: string, asked: ReturnType<typeof inputs>): Promise<Compared> {
  const policies = new Map([['policies/authz/x.rego', Buffer.from(rego)]]);
  const { reads, wasm } = await admitPolicy(opa, policies, work.path);
  const byOpa = await answerAll(opa, policies, decisionPath)(asked, JSON.parse(document.toString()));
  const evaluator = createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), decisionPath);
  const slices = createSlices({ lines: openIndex(indexLines(document)), reads });
  asked.forEach((input, index) => {
    const answer = evaluator.evaluate(input, slices.slice(input.api, input.subject, input.groups));
    assert.deepEqual(answer, byOpa[index], `${rego}\n${JSON.stringify(input)}`);
  });
  return { answers: byOpa, clock: reads.clock };
}

test('policies put together by chance: the gateway, on what they read, and OPA, on everything, agree', async () => {
  const reasons = new Set<unknown>();
  for (let round = 0; round < 7; round += 1) {
    const { answers } = await compare(drawn(), inputs(150));
    for (const answer of answers) reasons.add(z.object({ reason: z.string() }).parse(answer).reason);
  }
  for (const reason of ['fine', 'nothing', 'first', 'second', 'first second', 'rest'])
    assert.ok(reasons.has(reason), `${reason} was never met`);
});

test('the default decision with a rule that denies by tier denies at the gateway too', async () => {
  const rego = `package grantgate.authz
${helpers}
deny_delete if { input.method == "DELETE"; data.apis[input.api].tier == "critical" }
default decision := {"allow": false, "grants": [], "reason": "denied"}
decision := {"allow": true, "grants": ["g"], "reason": "granted"} if { input.subject; not deny_delete }
`;
  const asked = inputs(300);
  const { answers } = await compare(rego, asked);
  const denied = asked.filter(
    (_, index) => z.object({ allow: z.boolean() }).parse(answers[index]).allow === false,
  );
  assert.ok(denied.length > 10);
  for (const { api, method } of denied)
    assert.deepEqual([organisation.apis.get(api)?.tier, method], ['critical', 'DELETE']);
});

test('a reference turned into one that a decision does not get is refused, by rule and line, wherever it stands', async () => {
  const turns: [from: string, to: string][] = [
    ['data.apis[input.api]', 'data.apis[input.operation]'],
    ['data.apis[input.api]', 'data.apis["api-1"]'],
    ['data.principals[input.subject]', 'data.principals["user:person-1@example.com"]'],
    ['data.grants[input.api]', 'data.grants["api-1"]'],
    ['[input.subject]', '[input.operation]'],
    ['data.networks', 'data[input.method]'],
    ['input.groups', 'input.teams'],
    ['some g in input.groups', 'some g in ["group:team-1"]'],
  ];
  const turned = conditions.flatMap((condition) =>
    turns
      .filter(
        ([from]) => condition.includes(from) && (!from.startsWith('some g') || condition.includes('[g]')),
      )
      .map(([from, to]) => condition.replace(from, to)),
  );
  // Each as a rule of its own, in one module: nothing that one of them says can be taken for another's.
  const before = `package grantgate.authz\n${helpers}\n`;
  const rules = turned.map((condition, index) => `fine_${index} if { ${condition} }`);
  const rego = `${before}${rules.join('\n')}\ndecision := {"a": true}`;
  const first = before.split('\n').length;
  await assert.rejects(
    admitPolicy(opa, new Map([['policies/authz/x.rego', Buffer.from(rego)]]), work.path),
    ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'policy-invalid');
      const said = message.split('\n');
      for (const [index, condition] of turned.entries())
        assert.ok(
          said.some(
            (line) =>
              line.startsWith(`policies/authz/x.rego:${first + index}:`) &&
              line.includes(`: fine_${index}: `),
          ),
          condition,
        );
      return true;
    },
  );
  assert.ok(turned.length > 15, String(turned.length));
});

type Names = readonly string[];

/** A text: of the caller, of the document, made up, or a variable. */
function term(id: number, names: Names, deep: number): string {
  const plain = [
    'input.subject',
    'input.subject',
    'input.api',
    '"group:team-1"',
    '"high"',
    'input.groups[0]',
    `one_${id}`,
  ];
  if (names.length > 0 && draw.chance(0.5)) return draw.pick(names);
  if (deep > 0 && draw.chance(0.2)) return `max(${some(id, names, deep - 1)})`;
  return draw.pick(plain);
}

/** Several texts. */
function some(id: number, names: Names, deep: number): string {
  const plain = [
    'input.groups',
    'input.groups',
    'data.principals[input.subject].groups',
    'input.networks',
    'names',
  ];
  if (deep === 0 || draw.chance(0.4)) return draw.pick(plain);
  const below = () => some(id, names, deep - 1);
  const variable = draw.pick(['p', 'q', 'r']);
  const within = draw.pick([
    [`some ${variable} in ${below()}`],
    [`some ${variable} in ${below()}`, fact(id, [...names, variable], deep - 1)],
  ]);
  const made = `${draw.pick([variable, variable, term(id, [...names, variable], 0)])} | ${within.join('; ')}`;
  return draw.pick([
    `{${term(id, names, 0)}, ${term(id, names, 0)}}`,
    `{${made}}`,
    `[${made}]`,
    `sort(${below()})`,
    `({${made}} | {${term(id, names, 0)}})`,
    `({${made}} - {${term(id, names, 0)}})`,
    `array.concat(input.groups, [${term(id, names, 0)}])`,
    'object.keys(data.networks)',
  ]);
}

/** What may hold. */
function fact(id: number, names: Names, deep: number): string {
  const one = () => term(id, names, deep);
  const api = draw.pick(['input.api', 'input.api', 'input.api', ...names]);
  const variable = draw.pick(['s', 't']);
  return draw.pick([
    () => `data.grants[${api}][${one()}]`,
    () => `data.grants[${api}][${one()}][_].state == "suspended"`,
    () => `data.apis[${api}].tier == ${one()}`,
    () => `data.principals[${one()}].active`,
    () => `${one()} in ${some(id, names, deep)}`,
    () => `${one()} == ${one()}`,
    () => `count(${some(id, names, deep)}) > 1`,
    () => `startswith(concat("", ${some(id, names, deep)}), "group:team-1")`,
    () => `array.slice(sort(${some(id, names, deep)}), 0, 1) == [${one()}]`,
    () => `f_${id}(${one()})`,
    () => `not data.grants[${api}][${one()}]`,
    () =>
      `every ${variable} in ${some(id, names, deep)} { ${variable} != ""; ${fact(id, [...names, variable], 0)} }`,
    () => `object.get(data.networks, ${one()}, []) != []`,
    () => 'input.mfa',
  ])();
}

function rule(id: number): string {
  const names: string[] = [];
  const body = Array.from({ length: draw.pick([1, 2, 3, 4]) }, () => {
    const name = ['a', 'b', 'c', 'd'][names.length] ?? 'e';
    const made = draw.pick([0, 1, 2, 3]);
    const text =
      made === 0
        ? `some ${name} in ${some(id, names, 2)}`
        : made === 1
          ? `${name} := ${term(id, names, 2)}`
          : fact(id, names, 2);
    if (made < 2) names.push(name);
    return text;
  });
  const or = draw.chance(0.3) ? ` else if { ${fact(id, [], 2)} }` : '';
  // Not of itself, and a value.
  const given = fact(id, ['x'], 1)
    .replaceAll(`f_${id}(`, 'is_string(')
    .replace(/^(?:every|not) .*$/, 'input.mfa');
  return `default c_${id} := false
c_${id} if { ${body.join('; ')} }${or}
default f_${id}(_) := false
f_${id}(x) := y if { y := ${given} }
one_${id} := ${draw.pick(['input.subject', '"group:team-1"', 'input.groups[1]'])}`;
}

test('rules made by a grammar: those that are not refused answer as in OPA, and neither are few', async () => {
  const helpers = 'names contains input.subject\nnames contains g if some g in input.groups';
  draw = random('grammar-1');
  const rules = Array.from({ length: 160 }, (_, id) => rule(id));
  const module = (ids: readonly number[]) =>
    `package grantgate.authz\n${helpers}\n${ids.map((id) => rules[id]).join('\n')}\ndecision := [${ids.map((id) => `c_${id}`).join()}]\n`;
  const all = [...rules.keys()];
  const { problems } = await examinePolicy(
    opa,
    new Map([['policies/authz/x.rego', Buffer.from(module(all))]]),
  );
  const refused = new Set(
    problems.map(({ message }) => Number(/^\w+_(\d+):/.exec(message)?.[1] ?? assert.fail(message))),
  );
  const admitted = all.filter((id) => !refused.has(id));
  const { answers } = await compare(module(admitted), inputs(60));
  const seen = admitted.filter(
    (_, at) => new Set(answers.map((answer) => z.array(z.boolean()).parse(answer)[at])).size === 2,
  );
  assert.ok(
    refused.size > 70 && admitted.length > 60 && seen.length > 30,
    `${refused.size} ${admitted.length} ${seen.length}`,
  );
});
