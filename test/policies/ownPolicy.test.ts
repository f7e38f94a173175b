import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { readVerifyKey } from '../../bundle/archive/keys.ts';
import { pack } from '../../bundle/archive/pack.ts';
import { readSigningKey } from '../../bundle/archive/readSigningKey.ts';
import { verify } from '../../bundle/archive/verify.ts';
import { slowSteps } from '../../bundle/askGolden.ts';
import { assemble } from '../../bundle/assemble.ts';
import { checkTree } from '../../bundle/check.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { evaluateWasm, mostSteps } from '../../gateway/decision/evaluator.ts';
import { createPrepare } from '../../gateway/decision/prepare.ts';
import { suite } from '../_suite.ts';
import { folder, keyPair } from '../bundle/_opa.ts';
import { office, startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('a policy of one’s own, from its repository to the request');

/** What is high is written from the office only, where there is one. */
const rego = `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no-grant"}

decision := {"allow": false, "grants": [], "reason": "office-only"} if {
	data.apis[input.api].tier == "high"
	input.method == "POST"
	count(object.get(data.networks, "office", [])) > 0
	not "office" in input.networks
} else := {"allow": true, "grants": sort(holding), "reason": "granted"} if {
	data.principals[input.subject].active
	count(holding) > 0
}

names := {input.subject} | {group | some group in input.groups}

holding contains grant.id if {
	some name in names
	some grant in data.grants[input.api][name]
	input.operation in grant.operations
}
`;
const files = { 'policies/authz/decision.rego': rego };
const keys = keyPair('ec');

let world: World;
let place: Awaited<ReturnType<typeof folder>>;
let bundle: Bundle;

const build = async (): Promise<Bundle> =>
  assemble({ tree: await gitTree(world.tree.root, 'main'), opa: await findOpa(), evaluator: evaluateWasm });
/** What `grantgate check` says of what is committed. */
const checked = async (): Promise<string> => {
  const tree = await gitTree(world.tree.root, 'main');
  return (await checkTree(tree, { evaluator: evaluateWasm })).problems.map(formatProblem).join('\n');
};
const refusal = (of: Bundle): string => {
  try {
    createPrepare()(of);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
/** Builds, signs and verifies what is committed, and lays it where the gateway looks. */
const publish = async (): Promise<void> => {
  const archive = await pack(await build(), readSigningKey(keys.secret));
  bundle = await verify(archive, readVerifyKey(keys.open));
  await place.write('bundle.tar.gz', archive);
  await fetch(`${world.gateway.admin}/reload`, { method: 'POST' });
};
const write = () => world.get('/orders/v1/orders', { method: 'POST' });

test.before(async () => {
  place = await folder({ 'bundle.pub': keys.open });
  const source = { source: `file:${join(place.path, 'bundle.tar.gz')}`, key: join(place.path, 'bundle.pub') };
  world = await startWorld({ files, config: { bundle: source } });
  await publish();
});
test.after(async () => {
  await world.close();
  await place.remove();
});

test('is built, signed, verified, tried by its own decisions and enforced', async () => {
  assert.equal(await checked(), '');
  assert.deepEqual([bundle.reads.api, bundle.reads.networks], [['tier'], true]);
  const reasons = new Set(bundle.golden?.map(({ expect }) => expect.reason));
  assert.deepEqual([...reasons].sort(), ['granted', 'no-grant', 'office-only']);
  assert.equal(refusal(bundle), 'accepted');

  assert.equal((await write()).status, 200);
  assert.equal((await world.get('/orders/v1/orders')).status, 200);
  await world.tree.commit({ 'grants/networks.yaml': office.replace('127.0.0.0/8', '192.0.2.0/24') });
  await publish();
  assert.equal((await write()).status, 403);
  assert.equal((await world.get('/orders/v1/orders')).status, 200);
  assert.deepEqual(
    (await world.records()).map(({ result }) => result.reason),
    ['granted', 'granted', 'office-only', 'granted'],
  );
});

test('decides the next request by a data document as it was merged, and the one that was remembered', async () => {
  const byData = rego.replace(
    '} else := {"allow": true',
    '} else := {"allow": false, "grants": [], "reason": "frozen"} if {\n\tdata.documents.frozen[input.subject].since <= input.time\n} else := {"allow": true',
  );
  const asked = async (): Promise<number[]> => [
    (await world.get('/orders/v1/orders')).status,
    (await world.get('/orders/v1/orders')).status,
  ];
  const entry = { type: 'object', properties: { since: { type: 'integer' } }, required: ['since'] };
  await world.tree.commit({
    'policies/authz/decision.rego': byData,
    'data/frozen.yaml': '# nobody\n',
    'data/frozen.schema.json': JSON.stringify({ type: 'object', additionalProperties: entry }),
  });
  assert.equal(await checked(), '');
  await publish();
  assert.deepEqual(await asked(), [200, 200]);
  const [{ input }] = (await world.records()).slice(-1) as [Awaited<ReturnType<World['records']>>[number]];
  await world.tree.commit({ 'data/frozen.yaml': `${JSON.stringify(input.subject)}: { since: 1 }\n` });
  await publish();
  assert.deepEqual(await asked(), [403, 403]);
  assert.equal((await world.records()).at(-1)?.result.reason, 'frozen');
  await world.tree.commit({
    'data/frozen.yaml': `${JSON.stringify(input.subject)}: { since: 99999999999 }\n`,
  });
  await publish();
  assert.deepEqual(await asked(), [200, 200]);
  await world.tree.commit({ 'data/frozen.yaml': null, 'data/frozen.schema.json': null, ...files });
  await publish();
});

test('is refused where what it reads is not given to its decisions', () => {
  const { reads } = bundle;
  assert.equal(refusal({ ...bundle, reads: { ...reads, networks: false } }), 'golden-mismatch');
  assert.equal(refusal({ ...bundle, reads: { ...reads, api: [] } }), 'golden-mismatch');
  assert.equal(refusal({ ...bundle, reads: { ...reads, api: ['tier', 'owner'] } }), 'accepted');
});

/** Ten loops within each other. */
const slow = (when: string) => `${rego}
all := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
endless if { ${when}; some a in all; some b in all; some c in all; some d in all; some e in all; some f in all
  some g in all; some h in all; some i in all; some j in all; a == 10 }
decision := {"allow": false, "grants": [], "reason": "endless"} if endless
`;

test('is not built, and not loaded, when its evaluation does not come to an end in time', async () => {
  await world.tree.commit({ 'policies/authz/decision.rego': slow('input.method != ""') });
  await assert.rejects(build(), { code: 'policy-invalid', message: /takes more than \d+ (?:steps|KiB)/ });
  const without = await assemble({ tree: await gitTree(world.tree.root, 'main'), opa: await findOpa() });
  assert.equal(refusal(without), 'evaluation-too-costly');
});

test('is not green when its evaluation takes more memory than there is for it', async () => {
  const doubled = Array.from({ length: 24 }, (_, at) => `\tt${at + 1} := concat("", [t${at}, t${at}])`).join(
    '\n',
  );
  const greedy = `${rego}
greedy if {\n\tt0 := concat("-", ["grant", input.subject])\n${doubled}\n\tt24 != ""\n}
decision := {"allow": false, "grants": [], "reason": "greedy"} if greedy
`;
  await world.tree.commit({ 'policies/authz/decision.rego': greedy });
  assert.match(await checked(), /^policies\/authz:1:1: .*takes more than \d+ KiB/);
});

test('is told how slow it is, in steps, and by how much, when it is slow', async () => {
  // Of one question: OPA answers all of them too.
  const loops = slow('input.subject == "user:ann@example.com"; input.operation == "createOrder"').replace(
    /some f in all\n.*some j in all; a == 10/,
    'a == 10',
  );
  await world.tree.commit({ 'policies/authz/decision.rego': loops });
  const tree = await gitTree(world.tree.root, 'main');
  const warned = async () => {
    const { problems, warnings } = await checkTree(tree, { evaluator: evaluateWasm });
    assert.deepEqual(problems, []);
    return warnings
      .map(formatProblem)
      .filter((one) => one.startsWith('policies/'))
      .join('\n');
  };
  const said = await warned();
  assert.match(
    said,
    /^policies\/authz:1:1: the decision about \S+ at \S+ of \S+ takes \d,\d{3},\d{3} steps, \d+ times the [\d,]+ of the policy that comes with the product: more than 1,000,000 are slow, and fifty times as many are a denial$/,
  );
  // Counted and not timed.
  assert.equal(await warned(), said);
  assert.equal(mostSteps, 50 * slowSteps);
});

test('is not green, and not built, when OPA finds its answers in conflict, or none', async () => {
  const asked = async (changed: string) => {
    await world.tree.commit({ 'policies/authz/decision.rego': changed });
    return build();
  };
  await assert.rejects(asked(rego.replace(/^default.*$/m, '')), {
    code: 'policy-invalid',
    message: /does not answer .* when it is asked about/,
  });
  assert.match(await checked(), /^policies\/authz:1:1: the policy does not answer/);
  const twice = `${rego}\ndecision := {"allow": false, "grants": [], "reason": "odd"} if input.subject != ""\n`;
  await assert.rejects(asked(twice), {
    code: 'policy-invalid',
    message: /policies\/authz\/decision\.rego:\d+: complete rules must not produce multiple outputs/,
  });
});
