import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { goldenDecisions } from '../../bundle/archive/golden.ts';
import { documentSizes } from '../../bundle/data/dataSections.ts';
import { admitPolicy } from '../../bundle/policy/admitPolicy.ts';
import { answerAll } from '../../bundle/policy/answerAll.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { createCallers } from '../../gateway/decision/caller.ts';
import { checkGolden } from '../../gateway/decision/checkGolden.ts';
import { createDecide } from '../../gateway/decision/decide.ts';
import type { Question } from '../../gateway/decision/decision.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { suite } from '../_suite.ts';
import { folder } from '../bundle/_opa.ts';
import { apiEntry, type Document, lineForm } from '../gateway/_document.ts';

const test = suite('data documents in decisions');

/** Tells all that it finds, by every kind of key. */
const rego = `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "nothing"}

decision := {"allow": true, "grants": {"g"}, "reason": concat(" ", sort(found))} if count(found) > 0

names := {input.subject} | {group | some group in input.groups}

found contains concat(":", ["own", data.documents.people[input.subject].note])

found contains concat(":", ["held", data.documents.people[name].note]) if some name in names

found contains concat(":", ["api", one]) if {
	api := input.api
	one := data.documents.large[api]
}

found contains concat(":", ["network", entry(network)]) if some network in input.networks

entry(network) := object.get(data.documents.large, network, "none")

found contains concat(":", ["text", data.documents.large["it \\"stands\\" here"]])

found contains concat(":", ["whole", key]) if {
	some key, value in data.documents.small
	value == input.operation
}

found contains "blocked" if not data.documents.people[input.subject]

found contains concat(":", ["restricted", data.documents.large[input.params[name]]]) if {
	some grant in data.grants[input.api][input.subject]
	some name, _ in grant.conditions.params
}
`;

const hostile = [
  '__proto__',
  'constructor',
  'toString',
  'a"b',
  'a\\',
  '"}},"',
  'é',
  'e\u0301',
  '\u2028',
  '\u{1f600}',
  '\ufeff',
  'x',
];
const people = ['user:ann', 'user:o"brien', 'service:s', 'group:a', 'group:é'];
const note = fc.record({ note: fc.string({ unit: 'grapheme', maxLength: 5 }) });
const some = <T>(keys: readonly string[], value: fc.Arbitrary<T>) =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...keys), value), { selector: ([key]) => key })
    .map((entries) => Object.fromEntries(entries));

const documents = fc.record({
  people: some(people, note),
  large: some([...hostile, 'orders', 'it "stands" here'], fc.string({ unit: 'grapheme', maxLength: 5 })),
  small: some(hostile, fc.constantFrom('x', 'y')),
});
const questions = fc.record({
  subject: fc.constantFrom('user:ann', 'user:o"brien', 'service:s', 'user:nobody'),
  groups: fc.constantFrom(null, ['group:a'], ['group:é', 'group:none']),
  networks: fc.subarray(hostile, { maxLength: 3 }),
  operation: fc.constantFrom('x', 'y'),
  tenant: fc.constantFrom(...hostile),
});
type Asked = typeof questions extends fc.Arbitrary<infer T> ? T : never;

const filler = 'f'.repeat(20_000);
const dataOf = ({ people: theirs, large, small }: Record<string, Record<string, unknown>>): Document => ({
  apis: { orders: apiEntry('orders') },
  documents: { people: { ...theirs }, large: { ...large, filler }, small: { ...small } },
  grants: {
    orders: { 'user:ann': [{ id: 'g', operations: ['x'], conditions: { params: { tenant: ['x'] } } }] },
  },
  principals: {
    'user:ann': { active: true, groups: ['group:a'] },
    'user:o"brien': { active: true, groups: ['group:é'] },
  },
});
const question = ({ subject, groups, networks, operation, tenant }: Asked): Question => ({
  identity: { subject, groups, mfa: false, expiresAt: null },
  route: {
    api: 'orders',
    operation,
    template: '/{tenant}',
    upstream: 'http://127.0.0.1:1',
    base: '',
    strip: 0,
  },
  method: 'GET',
  networks,
  time: 100,
  stated: { params: new Map([['tenant', tenant]]), claims: new Map() },
});

let cache: Awaited<ReturnType<typeof folder>>;
test.before(async () => {
  cache = await folder();
});
test.after(() => cache.remove());

const policies = new Map([['policies/authz/decision.rego', Buffer.from(rego)]]);
const sizes = documentSizes(lineForm(dataOf({ people: {}, large: {}, small: {} })));
const admitted = async () => admitPolicy(await findOpa(), policies, cache.path, sizes);

test('come to the same by their slices, remembered or not, as OPA says over all of them', async () => {
  const { reads, wasm } = await admitted();
  assert.deepEqual(reads.documents, [
    {
      keys: [
        ['input', 'api'],
        ['input', 'networks', '*'],
        ['input', 'params', '*'],
        ['text', 'it "stands" here'],
      ],
      name: 'large',
      whole: false,
    },
    { keys: [['caller'], ['input', 'subject']], name: 'people', whole: false },
    { keys: [], name: 'small', whole: true },
  ]);
  const evaluator = createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), decisionPath);
  const ask = answerAll(await findOpa(), policies, decisionPath);
  // OPA is started once for each document: few of them, and many questions.
  for (const [content, asked] of fc.sample(
    fc.tuple(documents, fc.array(questions, { minLength: 60, maxLength: 60 })),
    { numRuns: 4, seed: 15 },
  )) {
    const document = dataOf(content);
    const slices = createSlices({ lines: openIndex(indexLines(lineForm(document))), reads });
    const decide = createDecide(slices, evaluator, null, reads.clock);
    const remembered = createCallers(decide, null);
    const decisions = asked.map((one) => decide(question(one)));
    const answers = await ask(
      decisions.map(({ input }) => input),
      { ...document, networks: {} },
    );
    assert.deepEqual(
      decisions.map(({ result, failure }) => [failure, result.reason]),
      answers.map((answer) => [null, (answer as { reason: string }).reason]),
    );
    for (const [index, one] of [...asked, ...asked].entries())
      assert.equal(
        remembered.decide(question(one)).result.reason,
        decisions[index % asked.length]?.result.reason,
      );
  }
});

test('a bundle’s own decisions are found by a search of the text as by the index, whatever stands in documents', async () => {
  const { reads, wasm } = await admitted();
  const evaluator = createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), decisionPath);
  const reasons = new Set<string>();
  for (const content of fc.sample(documents, { numRuns: 60, seed: 15 })) {
    const document = dataOf({ ...content, small: content.small.x === undefined ? {} : content.small });
    const held = {
      'user:ann': [{ id: 'g', operations: ['get'] }],
      'user:o"brien': [{ id: 'h', operations: ['list'] }],
      'group:é': [{ id: 'i', operations: ['get'] }],
    };
    const grants = { orders: { ...document.grants.orders, ...held } };
    const data = lineForm({ ...document, grants });
    const answer = (inputs: readonly unknown[], over: unknown) =>
      inputs.map((input) => evaluator.evaluate(input, over));
    const goldens = await goldenDecisions(data, answer, 100, reads.documents);
    for (const { expect } of goldens) reasons.add(expect.reason);
    const slices = createSlices({ lines: openIndex(indexLines(data)), reads });
    const apis = new Map([['orders', apiEntry('orders')]]) as unknown as Parameters<typeof checkGolden>[1];
    checkGolden(goldens, apis, createDecide(slices, evaluator, null));
  }
  assert.ok(reasons.size > 20, String(reasons.size));
});

test('are given by the entry, however many there are', async () => {
  const { reads } = await admitted();
  const entries = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, `value ${at}`]));
  const document = dataOf({
    people: { 'user:ann': { note: 'n' } },
    large: { ...entries, orders: 'o' },
    small: { b: 'x' },
  });
  const slices = createSlices({ lines: openIndex(indexLines(lineForm(document))), reads });
  const input = { subject: 'user:ann', groups: [], api: 'orders', networks: ['k7', 'none', 'k7'] };
  const given = () => slices.given(slices.cut('orders', 'user:ann', []), input);
  const { documents: own } = JSON.parse(Buffer.from(given()).toString());
  assert.deepEqual(own, {
    large: { orders: 'o', k7: 'value 7' },
    people: { 'user:ann': { note: 'n' } },
    small: { b: 'x' },
  });
  // The same bytes, so that they are not loaded again.
  assert.equal(given(), given());
  assert.deepEqual(
    slices.entries(input).map(({ document: of, key, line }) => [of, key, line !== null]),
    [
      ...[
        ['large', 'orders', true],
        ['large', 'k7', true],
        ['large', 'none', false],
        ['large', 'it "stands" here', false],
      ],
      ...[
        ['people', 'user:ann', true],
        ['people', 'group:a', false],
      ],
    ],
  );
  const wide = { documents: [{ name: 'large', keys: [], whole: true }], api: [], networks: false };
  assert.throws(() => createSlices({ lines: openIndex(indexLines(lineForm(document))), reads: wide }), {
    message: /reads all of data\.documents\.large, which is too large for that/,
  });
});
