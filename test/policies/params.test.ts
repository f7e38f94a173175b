import * as assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { compile } from '../../bundle/compile/compile.ts';
import type { GrantLine } from '../../bundle/data/grantLine.ts';
import { workingTree } from '../../bundle/git/tree.ts';
import type { Api, Grant } from '../../bundle/grants/organisation.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { decisionPath, readPolicies } from '../../bundle/policy/policies.ts';
import { random } from '../../demo/random.ts';
import { referenceDecision } from '../../demo/referenceDecision.ts';
import { createCallers } from '../../gateway/decision/caller.ts';
import { createDecide } from '../../gateway/decision/decide.ts';
import type { Decide, Decision, Question } from '../../gateway/decision/decision.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { Refusal } from '../../gateway/http/refusal.ts';
import type { Identity } from '../../gateway/identity/identify.ts';
import { createRecordLine } from '../../gateway/record/recordLine.ts';
import { canonicalize } from '../../gateway/request/canonicalize.ts';
import { createRouter } from '../../gateway/request/route.ts';
import { indexLines, openIndex } from '../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { readHead } from '../../gateway/revision/snapshot.ts';
import { suite } from '../_suite.ts';
import { generatedOrganisation, now } from './_organisation.ts';

const test = suite('policies: path parameters');

const rego = fileURLToPath(new URL('../../policies/authz/decision.rego', import.meta.url));
const seed = 'params-1';
const draw = random(seed);
const place = { file: 'generated', line: 1, column: 1, start: 0, end: 0 };

/** What is one value to a careless reader and two to a careful one. */
const values = [
  ...[
    'acme',
    'ACME',
    'acme ',
    ' acme',
    'acm',
    'acme\u0301',
    'acm\u00e9',
    'acme%2F',
    'acme/x',
    'acme+x',
    'acme x',
  ],
  ...['7', '007', '7.0', '1e0', '1', '0x7', '-0', '0', 'null', 'true', '[]', '["acme"]', '{"claim":"sub"}'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'claim:sub',
    'sub',
    'a"b',
    '<b>&',
    '\u2028',
    '😀',
    'ﬁ',
    'fi',
    '..a',
    '*',
  ],
];
const claims: readonly unknown[] = [
  ...values,
  ...[
    7,
    1,
    0,
    -0,
    1e21,
    2 ** 53,
    7.5,
    '',
    null,
    true,
    [],
    ['acme'],
    { acme: 'acme' },
    'acme\0',
    '\ud800',
    'x'.repeat(2000),
  ],
];
const names = ['tenant', 'constructor', 'time'];
const claimNames = ['sub', 'customer_id', 'realm.tenant', 'toString'];
const operations = {
  getOrder: 'GET /v1/{tenant}/orders/{time}',
  cancel: 'GET /v1/{tenant}/orders/{constructor}:cancel',
  whole: 'GET /{constructor}/{time}/{tenant}',
  list: 'GET /v1/list',
};

const api: Api = {
  ...{
    name: 'orders',
    description: 'orders',
    owner: 'group:team-0',
    tier: 'low',
    upstream: 'http://127.0.0.1:1',
  },
  ...{ route: { prefix: '/o', strip: false }, roles: new Map(), limits: undefined, place },
  operations: new Map(Object.entries(operations)),
  encodedSlash: ['getOrder', 'whole'],
};

const subjects = ['user:ann', 'user:bob', 'service:invoicer'];
const some = <T>(all: readonly T[], share: number): T[] => all.filter(() => draw.chance(share));
const grants = Array.from({ length: 60 }, (_, index): Grant => {
  const drawn = some(names, 0.5);
  const params = Object.fromEntries(
    (drawn.length > 0 ? drawn : ['tenant']).map((name) => [
      name,
      draw.chance(0.4)
        ? `claim:${draw.pick(claimNames)}`
        : [...new Set([draw.pick(values), draw.pick(values)])],
    ]),
  );
  const covers = Object.entries(operations)
    .filter(([, form]) => Object.keys(params).every((name) => form.includes(`{${name}}`)))
    .map(([name]) => name);
  return {
    ...{
      id: `grant-${index}`,
      principal: draw.pick([...subjects, 'group:team']),
      api: 'orders',
      reason: 'generated',
    },
    ...{ owner: 'group:team-0', granted: '2026-01-01', grantedAt: 0, covers, place },
    state: draw.chance(0.9) ? 'active' : 'suspended',
    expiresAt: draw.chance(0.2) ? now : null,
    ...(draw.chance(0.2) ? { conditions: { mfa: true } } : {}),
    params,
  };
});
const document = compile({
  ...generatedOrganisation(seed),
  apis: new Map([['orders', api]]),
  grants,
  people: new Map(
    ['ann', 'bob'].map((login) => [login, { login, id: login, status: 'active', provider: 'generated' }]),
  ),
  services: new Map([
    ['invoicer', { name: 'invoicer', owner: 'group:team-0', state: 'active', credentials: [] }],
  ]),
  memberships: new Map([['user:ann', ['group:team']]]),
});
const lines = indexLines(document);
const route = createRouter(readHead(lines).apis);

type Token = Readonly<Record<string, unknown>>;
const identityOf = (subject: string, payload: Token, id: string): Identity => ({
  ...{ subject, groups: null, mfa: false, expiresAt: null, credential: id },
  proof: {
    ...{ id, method: 'jwt', issuer: 'https://issuer.example', sub: subject, login: null, groups: null },
    ...{ mfa: false, expiresAt: null, payload, bytes: 600 },
  },
});

/** A request as it would come in, and what its path was made of; null where the gateway refuses such a path. */
function questionOf(): { question: Question; made: Readonly<Record<string, string>> } | null {
  const [name, form] = draw.pick(Object.entries(operations));
  const made: Record<string, string> = {};
  const escaped = draw.chance(0.8) ? encodeURIComponent : encodeURI;
  const target = form.slice(4).replace(/\{([^{}]*)\}/g, (_, parameter: string) => {
    made[parameter] = draw.pick(values);
    return escaped(made[parameter]);
  });
  try {
    const canonical = canonicalize('GET', `/o${target}`, ['host', 'localhost']);
    const found = route(canonical);
    if (found === null || found.operation !== name) return null;
    const payload = Object.fromEntries(some(claimNames, 0.7).map((claim) => [claim, draw.pick(claims)]));
    const identity = identityOf(draw.pick(subjects), payload, `${draw.pick(['one', 'two', 'three'])}`);
    return {
      made,
      question: { identity, route: found, method: 'GET', networks: [], time: now - 1, path: canonical.path },
    };
  } catch (error) {
    if (error instanceof Refusal || error instanceof URIError) return null;
    throw error;
  }
}

const asked = Array.from({ length: 1000 }, questionOf).filter((one) => one !== null);
let decide: Decide = () => assert.fail('not yet there');
let decisions: Decision[] = [];
let byOpa: unknown[] = [];
let folder = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-params-'));
  const opa = await findOpa();
  const rules = await readPolicies(await workingTree(folder), 'authz');
  const module = new WebAssembly.Module(new Uint8Array(await compilePolicy(opa, rules, decisionPath)));
  const slices = createSlices({ lines: openIndex(lines) });
  decide = createDecide(slices, createEvaluator(module, decisionPath), null, false);
  decisions = asked.map(({ question }) => decide(question));
  await writeFile(join(folder, 'data.json'), document);
  await writeFile(
    join(folder, 'inputs.json'),
    JSON.stringify({ inputs: decisions.map(({ input }) => input) }),
  );
  const query =
    'answers := [answer | some one in data.inputs; answer := data.grantgate.authz.decision with input as one]';
  const files = [rego, join(folder, 'data.json'), join(folder, 'inputs.json')].flatMap((file) => [
    '-d',
    file,
  ]);
  const { code, stdout, stderr } = await opa.run(['eval', '--format', 'json', ...files, query]);
  assert.equal(code, 0, stderr);
  const shape = z.object({
    result: z.tuple([z.object({ bindings: z.object({ answers: z.array(z.unknown()) }) })]),
  });
  byOpa = shape.parse(JSON.parse(stdout)).result[0].bindings.answers;
});
test.after(() => rm(folder, { recursive: true, force: true }));

test('OPA over the whole document answers as the gateway does over its lines', () => {
  assert.ok(asked.length > 250, `${asked.length}`);
  decisions.forEach(({ result, failure, input }, index) => {
    assert.equal(failure, null);
    assert.deepEqual(byOpa[index], result, JSON.stringify(input));
  });
  const reasons = Map.groupBy(decisions, ({ result }) => result.reason);
  for (const reason of ['granted', 'parameter-not-covered', 'operation-not-covered', 'suspended'])
    assert.ok((reasons.get(reason)?.length ?? 0) > 12, `${reason} ${reasons.get(reason)?.length}`);
});

test('a grant holds for what the path was made of, to the letter, and for what the token says', () => {
  const shape = z.object({ grants: z.record(z.string(), z.record(z.string(), z.array(z.unknown()))) });
  const held = shape.parse(JSON.parse(document.toString())).grants.orders ?? {};
  const said = (value: unknown) =>
    typeof value === 'string' || Number.isSafeInteger(value) ? String(value) : null;
  asked.forEach(({ question, made }, index) => {
    const { identity } = question;
    const payload: Token = identity.proof && 'payload' in identity.proof ? identity.proof.payload : {};
    const nested = claimNames.map((name) => [
      name,
      Object.hasOwn(payload, name) && !/[\0\ud800]/u.test(`${payload[name]}`) ? said(payload[name]) : null,
    ]);
    const request = { ...question, ...question.route, subject: identity.subject, mfa: false };
    const facts = {
      principal: { active: true, groups: identity.subject === 'user:ann' ? ['group:team'] : [] },
      grantsOf: (principal: string) => (held[principal] ?? []) as GrantLine[],
    };
    const expected = referenceDecision(
      { ...request, params: made, claims: Object.fromEntries(nested) },
      facts,
    );
    assert.deepEqual(decisions[index]?.result, expected, JSON.stringify({ made, payload }));
  });
});

test('what is remembered of a caller never answers for another value', () => {
  let evaluated = 0;
  const callers = createCallers((question) => {
    evaluated += 1;
    return decide(question);
  }, null);
  for (const [index, { question }] of asked.entries())
    for (const turn of [1, 2]) {
      const { result, input } = callers.decide(question);
      assert.deepEqual([result, input], [decisions[index]?.result, decisions[index]?.input], `${turn}`);
    }
  assert.ok(evaluated <= asked.length, 'the second time they come from memory');
});

test('nothing but what grants of the caller restrict is told of path and token', () => {
  const first = asked[0]?.question;
  assert.ok(first);
  const identity = identityOf('user:nobody', { secret: 'x', sub: 'y' }, 'four');
  const { input } = decide({ ...first, identity });
  assert.equal('params' in input || 'claims' in input, false);
  for (const { input: told } of decisions) {
    assert.ok(Object.keys(told.params ?? {}).every((name) => names.includes(name)));
    assert.ok(Object.keys(told.claims ?? {}).every((name) => claimNames.includes(name)));
  }
});

test('a parameter called time does not upset the line of a record', () => {
  const decision = decisions.find(({ input }) => typeof input.params?.time === 'string');
  assert.ok(decision);
  const { input, result, memory } = decision;
  const lineOf = createRecordLine('gw');
  const bundles = { grantgate: { revision: 'r' } };
  const record = { timestamp: 't', decision_id: 'd', path: decisionPath, bundles, result, memory } as const;
  for (const time of [now, now + 1]) {
    const line: unknown = JSON.parse(lineOf({ ...record, input: { ...input, time } }, 1));
    assert.deepEqual((line as { input: unknown }).input, { ...input, time });
  }
});
