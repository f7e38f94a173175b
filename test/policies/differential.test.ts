import * as assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readAnswer } from '../../bundle/archive/golden.ts';
import { compile } from '../../bundle/compile/compile.ts';
import type { GrantLine } from '../../bundle/data/grantLine.ts';
import { workingTree } from '../../bundle/git/tree.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { answerAll } from '../../bundle/policy/answerAll.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import { type Random, random } from '../../demo/random.ts';
import { type Request, referenceDecision } from '../../demo/referenceDecision.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { suite } from '../_suite.ts';
import { generatedOrganisation, networkNames, now, operationNames } from './_organisation.ts';

const test = suite('policies: one decision, three ways to reach it');

const policies = fileURLToPath(new URL('../../policies', import.meta.url));
const entrypoint = 'grantgate/authz/decision';
const seed = 'differential-1';
const count = 4000;
const organisation = generatedOrganisation(seed);
const document = compile(organisation);

type Document = {
  apis: Record<string, unknown>;
  networks: Record<string, unknown>;
  grants: Record<string, Record<string, GrantLine[]>>;
  principals: Record<string, { active: boolean; groups: string[] }>;
};
const data: Document = JSON.parse(document.toString());
const requests = generatedRequests(organisation, random(`${seed} requests`));
const malformed = malformedRequests(requests.slice(0, 500), random(`${seed} malformed`));
let folder = '';
let byOpa: unknown[] = [];
let evaluate: (input: unknown, cutFor: Request) => unknown = () => undefined;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-differential-'));
  [byOpa, evaluate] = await Promise.all([answersOfOpa(), evaluatorOnSlices()]);
});
test.after(() => rm(folder, { recursive: true, force: true }));

test('every reason is met often enough to mean something', () => {
  const reasons = Map.groupBy(byOpa, (answer) => z.object({ reason: z.string() }).parse(answer).reason);
  const least = Object.fromEntries([...reasons].map(([reason, { length }]) => [reason, length >= 40]));
  assert.deepEqual(least, {
    granted: true,
    'no-grant': true,
    'operation-not-covered': true,
    expired: true,
    suspended: true,
    'condition-not-met': true,
    'principal-inactive': true,
    'principal-unknown': true,
    'invalid-input': true,
  });
});

test('WASM on the lines of the caller answers as OPA does on the whole document', () => {
  [...requests, ...malformed.map(({ input }) => input)].forEach((input, i) => {
    const cutFor = requests[i] ?? malformed[i - requests.length]?.request;
    assert.ok(cutFor);
    assert.equal(readAnswer(evaluate(input, cutFor)), readAnswer(byOpa[i]), JSON.stringify(input));
  });
});

test('an independent reading of the rules comes to the same decisions', () => {
  requests.forEach((request, i) => {
    const facts = {
      principal: data.principals[request.subject],
      grantsOf: (principal: string) => data.grants[request.api]?.[principal] ?? [],
    };
    assert.deepEqual(byOpa[i], referenceDecision(request, facts), JSON.stringify(request));
  });
});

test('a malformed request is denied by all of them', () => {
  for (const answer of byOpa.slice(requests.length))
    assert.deepEqual(answer, { allow: false, grants: [], reason: 'invalid-input' });
});

test('the compiled document is what the schemas of the policies say', async () => {
  for (const part of ['apis', 'grants', 'networks', 'principals'] as const) {
    const schema = z.fromJSONSchema(
      JSON.parse(await readFile(join(policies, 'schemas', `${part}.json`), 'utf8')),
    );
    assert.ok(schema.safeParse(data[part]).success, part);
    assert.ok(
      !schema.safeParse({ ...data[part], broken: { active: 'yes', 'user:x': [{ id: 7 }] } }).success,
      part,
    );
  }
});

function generatedRequests({ memberships, apis }: Organisation, draw: Random): Request[] {
  const subjects = [...memberships.keys(), 'user:stranger@example.com', 'service:stranger'];
  return Array.from({ length: count }, (): Request => {
    const subject = draw.pick(subjects);
    const vouched = draw.chance(0.15);
    const own = memberships.get(subject) ?? [];
    return {
      subject,
      groups: vouched
        ? ['group:team-1', 'group:team-5', 'group:stranger'].filter(() => draw.chance(0.5))
        : own,
      ...(vouched ? { groups_from: 'token' } : {}),
      api: draw.chance(0.98) ? draw.pick([...apis.keys()]) : 'unheard-of',
      operation: draw.chance(0.98) ? draw.pick(operationNames) : 'unheardOf',
      networks: networkNames.filter(() => draw.chance(0.3)),
      mfa: draw.chance(0.5),
      time: now + draw.pick([-86_401, -2, -1, 0, 1, 2, 0.5, 86_400]),
    };
  });
}

/** Each breaks one thing the policy reads. The slice is the one of the request before it was broken. */
function malformedRequests(from: readonly Request[], draw: Random): { request: Request; input: unknown }[] {
  const wrong = [null, 7, true, '', 'x', [], ['group:team-1'], {}, { 'group:team-1': 'group:team-1' }];
  const kinds: Record<string, (value: unknown) => boolean> = {
    subject: (value) => typeof value !== 'string' || !/^(user|service):/.test(value),
    api: (value) => typeof value !== 'string',
    operation: (value) => typeof value !== 'string',
    time: (value) => typeof value !== 'number',
    mfa: (value) => typeof value !== 'boolean',
    networks: (value) => !Array.isArray(value),
    groups_from: () => true,
  };
  return from.map((request) => {
    const [key, isWrong] = draw.pick(Object.entries(kinds));
    return { request, input: { ...request, [key]: draw.pick(wrong.filter(isWrong)) } };
  });
}

async function evaluatorOnSlices(): Promise<typeof evaluate> {
  const rules = await readPolicies(await workingTree(folder), 'authz');
  const bytes = await compilePolicy(await findOpa(), rules, entrypoint);
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  const evaluator = createEvaluator(module, entrypoint);
  const slices = createSlices({ lines: openIndex(indexLines(document)) });
  return (input, { subject, api, groups_from, groups }) => {
    const holders = (groups_from === 'token' ? groups : slices.principal(subject)?.groups) ?? [];
    return evaluator.evaluate(input, slices.slice(api, subject, holders));
  };
}

/** All answers in one run of OPA over the Rego and the full document. */
async function answersOfOpa(): Promise<unknown[]> {
  const rules = await readPolicies(await workingTree(folder), 'authz');
  const inputs = [...requests, ...malformed.map(({ input }) => input)];
  return answerAll(await findOpa(), rules, entrypoint)(inputs, data);
}
