import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { type AnswerAll, goldenDecisions } from '../../../bundle/archive/golden.ts';
import { readVerifyKey } from '../../../bundle/archive/keys.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { verify } from '../../../bundle/archive/verify.ts';
import { assemble } from '../../../bundle/assemble.ts';
import { compile } from '../../../bundle/compile/compile.ts';
import { scanLines } from '../../../bundle/data/scanLines.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { findOpa, type Opa } from '../../../bundle/policy/opa.ts';
import { decisionPath, readPolicies } from '../../../bundle/policy/policies.ts';
import { checkGolden } from '../../../gateway/decision/checkGolden.ts';
import { createDecide } from '../../../gateway/decision/decide.ts';
import { createEvaluator, evaluateWasm } from '../../../gateway/decision/evaluator.ts';
import { createPrepare } from '../../../gateway/decision/prepare.ts';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { createSlices, type Slices } from '../../../gateway/revision/slices.ts';
import { readHead } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { generatedOrganisation, now } from '../../policies/_organisation.ts';
import { folder, keyPair } from '../_opa.ts';
import { type SampleTree, sampleTree } from '../_organisation.ts';

const test = suite('golden');
const keys = keyPair('ec');

let opa: Opa;
let tree: SampleTree;
let bundle: Bundle;
let organisation: Organisation;
const build = async () => assemble({ tree: await gitTree(tree.root, 'main'), opa, evaluator: evaluateWasm });
test.before(async () => {
  opa = await findOpa();
  tree = await sampleTree({}, { git: true });
  bundle = await build();
  const found = (await load(await gitTree(tree.root, 'main'))).organisation;
  assert.ok(found);
  organisation = found;
});
test.after(() => tree.remove());

/** As a bundle of the policy that comes with the product is made. */
const answering = (wasm: Buffer): AnswerAll => {
  const evaluate = evaluateWasm(wasm);
  return (inputs, document) => inputs.map((input) => evaluate(input, document));
};
const carried = () => bundle.golden ?? [];
const withData = (data: Buffer): Bundle => ({ ...bundle, data, lines: scanLines(data) });
const prepare = (of: Bundle) => createPrepare()(of);
const refusal = (of: Bundle): string => {
  try {
    prepare(of);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('a bundle carries decisions, of which some allow and others deny for different reasons', () => {
  assert.ok(carried().length >= 8 && carried().length <= 50, String(carried().length));
  const reasons = new Set(carried().map(({ expect }) => expect.reason));
  for (const reason of ['granted', 'principal-unknown', 'condition-not-met', 'operation-not-covered'])
    assert.ok(reasons.has(reason), `${reason} is not in ${[...reasons].join(', ')}`);
  assert.ok(carried().every(({ expect }) => expect.allow === expect.grants.length > 0));
  assert.equal(refusal(bundle), 'accepted');
});

test('the same commit carries the same ones, signed, and opa takes the archive', async () => {
  const key = readSigningKey(keys.secret);
  const archive = await pack(bundle, key);
  assert.ok(archive.equals(await pack(await build(), key)));
  assert.deepEqual((await verify(archive, readVerifyKey(keys.open))).golden, carried());
  const work = await folder({ 'bundle.tar.gz': archive, 'key.pub': keys.open });
  try {
    const args = ['build', '--bundle', '--verification-key', 'key.pub', '--signing-alg', 'ES256'];
    const { code, stdout, stderr } = await opa.run(
      [...args, '--output', 'out.tar.gz', join(work.path, 'bundle.tar.gz')],
      { cwd: work.path },
    );
    assert.equal(code, 0, stdout + stderr);
  } finally {
    await work.remove();
  }
});

test('other data, other rules or another word for an answer refuse the bundle', async () => {
  const grants = organisation.grants.filter(({ id }) => id !== 'orders-billing-read');
  const without = compile({ ...organisation, grants });
  assert.equal(refusal(withData(without)), 'golden-mismatch');
  const open = compile({
    ...organisation,
    grants: organisation.grants.map(({ conditions: _, ...grant }) => grant),
  });
  assert.equal(refusal(withData(open)), 'golden-mismatch');

  const rules = new Map(await readPolicies(await gitTree(tree.root, 'main'), 'authz'));
  const path = 'policies/authz/decision.rego';
  const changed = String(rules.get(path)).replace('input.time < expires', 'input.time < expires + 1');
  rules.set(path, Buffer.from(changed));
  const wasm = await compilePolicy(opa, rules, decisionPath);
  assert.equal(refusal({ ...bundle, wasm }), 'golden-mismatch');

  const first = carried().find(({ expect }) => expect.allow);
  assert.ok(first);
  const others = carried().filter((one) => one !== first);
  for (const expect of [
    { allow: false, grants: [], reason: 'no-grant' },
    { ...first.expect, grants: ['another'] },
    { ...first.expect, reason: 'given' },
  ])
    assert.equal(refusal({ ...bundle, golden: [...others, { ...first, expect }] }), 'golden-mismatch');
  const gone = { ...first, operation: 'deleteEverything' };
  assert.equal(refusal({ ...bundle, golden: [gone] }), 'golden-mismatch');
});

test('lines that are found or cut wrongly show', () => {
  const lines = indexLines(bundle.data, bundle.lines);
  const { apis } = readHead(lines);
  const slices = createSlices({ lines: openIndex(lines) });
  const check = (other: Partial<Slices>) => {
    const evaluator = createEvaluator(new WebAssembly.Module(new Uint8Array(bundle.wasm)), decisionPath);
    checkGolden(carried(), apis, createDecide({ ...slices, ...other }, evaluator, null));
  };
  const mismatch = { code: 'golden-mismatch' };
  check({});
  // Cut for somebody whom no directory knows, so for no group.
  assert.throws(() => check({ cut: (api) => slices.cut(api, 'user:nobody@grantgate', []) }), mismatch);
  assert.throws(
    () => check({ cut: (_, subject, groups) => slices.cut('payments', subject, groups) }),
    mismatch,
  );
  assert.throws(
    () =>
      check({
        cut: () => {
          throw new Error('no such line');
        },
      }),
    mismatch,
  );
});

test('what a made-up organisation carries holds when it is cut from its lines', async () => {
  const answerAll = answering(bundle.wasm);
  for (const seed of ['one', 'two', 'three', 'four', 'five', 'six']) {
    const made = generatedOrganisation(seed);
    const data = compile(made);
    const golden = await goldenDecisions(data, answerAll, now);
    assert.ok(golden.length > 12 && golden.length <= 50);
    assert.deepEqual(await goldenDecisions(data, answerAll, now), golden);
    const known = new Set([...made.memberships.keys()]);
    assert.ok(golden.every(({ subject }) => known.has(subject) || subject === 'user:nobody@grantgate'));
    assert.equal(refusal({ ...withData(data), golden }), 'accepted', seed);
  }
});

test('builds nothing of a policy whose answers are none', async () => {
  for (const answer of [undefined, true, { allow: true }, { allow: true, grants: [], reason: 'granted' }])
    await assert.rejects(
      goldenDecisions(bundle.data, (inputs) => inputs.map(() => answer), now),
      { code: 'policy-invalid', message: /asked about .*, orders, / },
    );
  // What a gateway would not look at does not matter.
  const denied = { allow: false, grants: ['x'], reason: 'no', more: 1 };
  const [first] = await goldenDecisions(bundle.data, (inputs) => inputs.map(() => denied), now);
  assert.deepEqual(first?.expect, { allow: false, grants: [], reason: 'no' });
});

test('an organisation without grants, or without APIs, carries what there is', async () => {
  const answerAll = answering(bundle.wasm);
  const bare = await goldenDecisions(compile({ ...organisation, grants: [] }), answerAll, now);
  assert.deepEqual(
    bare.map(({ expect }) => expect.reason),
    ['principal-unknown'],
  );
  const empty = { ...organisation, grants: [], apis: new Map(), people: new Map(), services: new Map() };
  assert.deepEqual(await goldenDecisions(compile(empty), answerAll, now), []);
});
