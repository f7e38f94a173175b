import * as assert from 'node:assert/strict';
import { readVerifyKey } from '../../../bundle/archive/keys.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { packRego } from '../../../bundle/archive/packRego.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { verify } from '../../../bundle/archive/verify.ts';
import { assemble } from '../../../bundle/assemble.ts';
import { checkTree } from '../../../bundle/check.ts';
import { editorSchemas } from '../../../bundle/editorSchemas.ts';
import { gitTree, workingTree } from '../../../bundle/git/tree.ts';
import { findOpa, type Opa } from '../../../bundle/policy/opa.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { evaluateWasm } from '../../../gateway/decision/evaluator.ts';
import { createPrepare } from '../../../gateway/decision/prepare.ts';
import { explainRepository } from '../../../gateway/explain/explainRepository.ts';
import { sameLines } from '../../../gateway/revision/slices.ts';
import { openSnapshot } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair } from '../_opa.ts';
import { type SampleTree, sampleTree } from '../_organisation.ts';

const test = suite('data documents, from a repository to its bundle');

const rego = `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no-grant"}

decision := {"allow": false, "grants": [], "reason": "frozen"} if {
	some name in names
	data.documents.holders[name].frozen
} else := {"allow": true, "grants": holding, "reason": "granted"} if count(holding) > 0

names := {input.subject} | {group | some group in input.groups}

holding contains grant.id if {
	some name in names
	some grant in data.grants[input.api][name]
	input.operation in grant.operations
}
`;
const schema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    properties: { frozen: { type: 'boolean' } },
    required: ['frozen'],
    additionalProperties: false,
  },
};
const filler = Array.from({ length: 2000 }, (_, index) => `user:p${index}: { frozen: true }\n`).join('');
const holders = `${filler}grants: { frozen: false }\n"service:invoicer": { frozen: true }\n`;
const files = {
  'policies/authz/decision.rego': rego,
  'data/holders.yaml': holders,
  'data/holders.schema.json': JSON.stringify(schema),
};
const keys = keyPair('ec');

let sample: SampleTree;
let cache: Awaited<ReturnType<typeof folder>>;
let opa: Opa;
test.before(async () => {
  [sample, cache, opa] = [await sampleTree(files, { git: true }), await folder(), await findOpa()];
});
test.after(async () => {
  await sample.remove();
  await cache.remove();
});
const build = async () =>
  assemble({ tree: await gitTree(sample.root, 'main'), opa, cache: cache.path, evaluator: evaluateWasm });
const check = async () => {
  const { problems, warnings } = await checkTree(await workingTree(sample.root), { evaluator: evaluateWasm });
  return [problems, warnings].map((found) => found.map(formatProblem));
};

test('the bundle is the same each time, is verified, tried, and answered from by OPA alike', async () => {
  const bundle = await build();
  assert.ok((await build()).data.equals(bundle.data));
  const verified = await verify(await pack(bundle, readSigningKey(keys.secret)), readVerifyKey(keys.open));
  assert.deepEqual(verified.reads.documents, [{ keys: [['caller']], name: 'holders', whole: false }]);
  const reasons = new Set(verified.golden?.map(({ expect }) => expect.reason));
  assert.ok(reasons.has('frozen') && reasons.has('granted'), [...reasons].join());
  createPrepare()(verified);

  await cache.write('bundle.tar.gz', await packRego(bundle, readSigningKey(keys.secret)));
  const input = { subject: 'service:invoicer', groups: [], api: 'orders', operation: 'listOrders' };
  const asked = [
    'eval',
    '--bundle',
    'bundle.tar.gz',
    '--stdin-input',
    '--format',
    'raw',
    'data.grantgate.authz.decision.reason',
  ];
  const { stdout, stderr } = await opa.run(asked, { cwd: cache.path, input: JSON.stringify(input) });
  assert.equal(stdout.trim(), 'frozen', stderr);
});

test('a bundle whose manifest does not say so is refused', async () => {
  const { policies, ...bundle } = await build();
  const hidden = { ...bundle, policies, lines: { ...bundle.lines, documents: [] } };
  const archive = await pack(hidden, readSigningKey(keys.secret));
  await assert.rejects(verify(archive, readVerifyKey(keys.open)), { code: 'manifest-invalid' });
});

test('what a changed entry may change is decided again, and nothing where no entry changed', async () => {
  const snapshot = async () => openSnapshot(createPrepare()(await build()), 0);
  const before = await snapshot();
  const same = (after: typeof before) => sameLines(before, after, 'orders', 'service:invoicer');
  assert.ok(same(await snapshot()));
  await sample.commit({
    'data/holders.yaml': holders.replace('invoicer": { frozen: true', 'invoicer": { frozen: false'),
  });
  assert.ok(!same(await snapshot()));
  await sample.commit({ 'data/holders.yaml': holders });
  assert.ok(same(await snapshot()));
});

test('an explanation shows the entries that a decision was given, and the rest of what it was', async () => {
  const question = {
    subject: 'service:invoicer',
    api: 'orders',
    operation: 'listOrders',
    at: '2026-11-23T10:00:00Z',
  };
  const { explanation, text } = await explainRepository({ root: sample.root, ...question }, { nowMs: 0 });
  assert.deepEqual(explanation.data, [
    { document: 'holders', key: 'service:invoicer', value: { frozen: true } },
    { document: 'holders', key: 'group:billing', value: null },
  ]);
  assert.match(
    text,
    /\nData considered:\n {2}holders\["service:invoicer"\]: \{"frozen":true\}\n {2}holders\["group:billing"\]: none/,
  );
  assert.deepEqual(
    explanation.grants.map(({ id, reason }) => [id, reason]),
    [
      ['orders-billing-read', 'frozen'],
      ['orders-invoicer-read', 'frozen'],
    ],
  );
});

test('check finds what a policy takes for a document or an entry', async () => {
  assert.deepEqual(await check(), [[], []]);
  const told = async (changed: Record<string, string | null>) => {
    await sample.write(changed);
    const [problems = [], warnings = []] = await check();
    await sample.write(files);
    return [...problems, ...warnings.map((one) => `warning ${one}`)];
  };
  const policy = (from: string, to: string) => ({ 'policies/authz/decision.rego': rego.replace(from, to) });
  assert.deepEqual(await told(policy('documents.holders', 'documents.holder')), [
    'policies/authz/decision.rego:7:2: decision: there is no data document holder (did you mean "holders"?): expected a file data/holder.yaml, there is holders',
  ]);
  assert.match(
    String(await told(policy('holders[name].frozen', 'holders[name].forzen'))),
    /^policies\/authz\/decision\.rego:7:2: undefined ref: data\.documents\.holders\[name\]\.forzen.*opa check --schema/,
  );
  assert.match(
    String(await told(policy('holders[name].frozen', 'holders[name].frozen == "yes"'))),
    /^policies\/authz\/decision\.rego:7:2: match error: boolean and string are never equal/,
  );
  assert.match(
    String(
      await told(
        policy(
          'some name in names\n\tdata.documents.holders[name].frozen',
          'some one in data.documents.holders\n\tone.frozen',
        ),
      ),
    ),
    /^policies\/authz\/decision\.rego:6:14: decision: data\.documents\.holders has \d+ bytes: of one larger than 16384/,
  );
  assert.deepEqual(await told(policy('data.documents.holders[name].frozen', 'name == "user:nobody"')), [
    'warning data/holders.yaml:1:1: no policy reads data.documents.holders',
  ]);
  assert.deepEqual(
    await told({ 'data/holders.yaml': '"user:Ann@Example.com": { frozen: true }\nANN: { frozen: true }\n' }),
    [
      'warning data/holders.yaml:1:1: the key "user:Ann@Example.com" is nobody\'s: names are compared folded, write "user:ann@example.com"',
    ],
  );
  assert.deepEqual(await told({ 'data/holders.yaml': 'a: { frozen: 1 }\n' }), [
    'data/holders.yaml:1:14: "a.frozen" must be boolean, got 1, by data/holders.schema.json',
  ]);
});

test('schemas of it let opa find a misspelt field by itself', async () => {
  const names = ['data.documents.holders: schema.documents_holders', 'input: schema.input'];
  const annotated = `# METADATA\n# scope: package\n# schemas:\n${names.map((one) => `#   - ${one}\n`).join('')}`;
  await sample.write({ 'policies/authz/decision.rego': annotated + rego });
  const { files: written, problems } = await editorSchemas(await workingTree(sample.root), {});
  assert.deepEqual(problems, []);
  assert.ok([...written.keys()].includes('grants/schema/api.json'));
  const misspelt = rego.replace('].frozen', '].forzen').replace('input.operation', 'input.operatoin');
  await sample.write({
    ...Object.fromEntries(written),
    'policies/authz/decision.rego': annotated + misspelt,
  });
  const asked = ['check', '--strict', '--schema', 'policies/schema', 'policies/authz'];
  const { code, stderr } = await opa.run(asked, { cwd: sample.root });
  assert.notEqual(code, 0);
  assert.match(stderr, /decision\.rego:12: .*undefined ref: data\.documents\.holders\[name\]\.forzen/);
  assert.match(stderr, /undefined ref: input\.operatoin/);
  // They stand beside policies, and are none.
  await sample.write(files);
  assert.deepEqual(await check(), [[], []]);
});

test('build refuses what check does', async () => {
  await sample.commit({ 'data/holders.yaml': 'a: { frozen: 1 }\n' });
  await assert.rejects(build(), {
    code: 'grants-invalid',
    message: /^data\/ has 1 problem\(s\), the first: data\/holders\.yaml:1:14: /,
  });
  await sample.commit({ 'data/holders.yaml': null, 'data/holders.schema.json': null });
  await assert.rejects(build(), { code: 'policy-invalid', message: /there is no data document holders/ });
});
