import * as assert from 'node:assert/strict';
import { examinePolicy } from '../../../../bundle/policy/examine/examinePolicy.ts';
import { findOpa } from '../../../../bundle/policy/opa.ts';
import { suite } from '../../../_suite.ts';

const test = suite('keys of data documents');

/** A rule with a document of its own, and the keys that it surely reads it by; null: they cannot be told. */
const rules: readonly (readonly [rule: string, keys: readonly (readonly string[])[] | null])[] = [
  ['data.documents.D[input.subject]', [['input', 'subject']]],
  ['data.documents.D[input.api].x.y == 1', [['input', 'api']]],
  ['data.documents.D[input.facts.tenant]', [['input', 'facts', 'tenant']]],
  [
    'data.documents.D["acme"]; data.documents.D.globex',
    [
      ['text', 'acme'],
      ['text', 'globex'],
    ],
  ],
  ['data.documents.D.acme[input.subject]', [['text', 'acme']]],
  ['key := input.method; data.documents.D[key]', [['input', 'method']]],
  ['object.get(data.documents.D, input.operation, {}) == {}', [['input', 'operation']]],
  ['not data.documents.D[input.subject]', [['input', 'subject']]],
  ['some network in input.networks; data.documents.D[network]', [['input', 'networks', '*']]],
  ['every network in input.networks { data.documents.D[network] }', [['input', 'networks', '*']]],
  ['some group in input.groups; data.documents.D[group]', [['caller']]],
  ['some group in data.principals[input.subject].groups; data.documents.D[group]', [['caller']]],
  ['some name, _ in input.params; data.documents.D[input.params[name]]', [['input', 'params', '*']]],
  ['data.documents.D[tenant]', [['input', 'facts', 'tenant']]],
  ['some one in mine; data.documents.D[one]', [['caller']]],
  ['asked(input.subject); data.documents.D == 1', null],
  ['some key; data.documents.D[key]', null],
  ['some key, _ in data.documents.D; key == input.subject', null],
  ['key = input.subject; data.documents.D[key]', null],
  ['key := concat("", ["user:", input.subject]); data.documents.D[key]', null],
  ['data.documents.D[data.networks[input.method]]', null],
  ['data.documents.D[either]', null],
  ['some one in [input.subject, input.facts.tenant]; data.documents.D[one]', null],
  ['count(data.documents.D) > 0', null],
  ['all := data.documents.D; all[input.subject]', null],
  ['object.get(data.documents.D, [input.subject, "x"], 1) == 1', null],
  ['object.get(data.documents, "D", {}) == {}', null],
  ['object.keys(data.documents.D) == {input.subject}', null],
];
const helpers = `
tenant := input.facts.tenant
mine contains input.subject
mine contains group if some group in input.groups
either := input.subject if input.mfa
either := "nobody" if not input.mfa
asked(name) if data.documents.shared[name]
`;

test('are told from the syntax, and what cannot be told is refused where it stands', async () => {
  const lines = rules.map(([rule], at) => `rule_${at} if { ${rule.replaceAll(/\bD\b/g, `d${at}`)} }`);
  const policy = `package grantgate.authz\n${lines.join('\n')}\n${helpers}`;
  const sizes = new Map([...rules.map((_, at): [string, number] => [`d${at}`, 20_000]), ['shared', 20_000]]);
  const policies = new Map([['policies/authz/a.rego', Buffer.from(policy)]]);
  const opa = await findOpa();
  const { problems, reads } = await examinePolicy(opa, policies, sizes);
  const found = new Map(reads.documents?.map(({ name, keys }) => [name, keys]));
  for (const [at, [rule, keys]] of rules.entries()) {
    const here = problems.filter(({ line }) => line === at + 2);
    if (keys === null) assert.ok(here.length > 0, rule);
    else assert.deepEqual([here, found.get(`d${at}`)], [[], keys], rule);
  }
  assert.deepEqual(found.get('shared'), [['input', 'subject']]);
  assert.deepEqual(
    problems.filter(({ line }) => line > rules.length + 1),
    [],
  );
  // Small ones may be read in any way, but by a name that is computed.
  const small = await examinePolicy(opa, policies, new Map([...sizes.keys()].map((name) => [name, 16_384])));
  const refused = small.problems.map(({ line }) => rules[line - 2]?.[0]);
  assert.deepEqual(
    refused.filter((rule) => rule?.includes('data.documents.D')),
    [],
    refused.join('\n'),
  );
  assert.equal(small.reads.documents?.find(({ name }) => name === 'd16')?.whole, true);
});
