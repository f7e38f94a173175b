import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { facts } from '../../bundle/grants/api/facts.ts';
import { inputFields } from '../../bundle/policy/examine/inputReads.ts';
import { apiFields } from '../../bundle/policy/examine/policyReads.ts';
import { builtInPolicies } from '../../bundle/policy/policies.ts';
import { createDecide } from '../../gateway/decision/decide.ts';
import type { Question } from '../../gateway/decision/decision.ts';
import { createReadFacts } from '../../gateway/decision/facts.ts';
import { indexLines, openIndex } from '../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { suite } from '../_suite.ts';
import { apiEntry, lineForm } from '../gateway/_document.ts';

const test = suite('the contract of policies');

const page = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8');
const schemaOf = (part: string) =>
  JSON.parse(readFileSync(join(builtInPolicies, 'schemas', `${part}.json`), 'utf8'));
test('the page, the schema and the examination know the same fields of the input', () => {
  const { properties } = schemaOf('input');
  assert.deepEqual(Object.keys(properties).sort(), [...inputFields].sort());
  const [, table = ''] = /`input` describes the request[\s\S]*?\n\n(\|[\s\S]*?)\n\n/.exec(page) ?? [];
  const told = [...table.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z_]+)/g)].map(([, name]) => name),
  );
  assert.deepEqual([...new Set(told)].sort(), [...inputFields].sort());
});

test('and of an API', () => {
  const { additionalProperties } = schemaOf('apis');
  assert.deepEqual(Object.keys(additionalProperties.properties).sort(), [...apiFields].sort());
  const line = page.split('\n').find((one) => one.startsWith('| `data.apis[input.api]`')) ?? '';
  const told = [...line.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name);
  assert.deepEqual(
    apiFields.filter((name) => !told.includes(name)),
    [],
  );
});

test('what is asked is what the schema says, with all there may be in it and with the least', () => {
  const isInput = new Ajv({ strict: false }).compile(schemaOf('input'));
  const named = facts.parse({ country: { param: 'id' } });
  const line = lineForm({
    apis: { orders: apiEntry('orders') },
    grants: {
      orders: {
        'group:a': [{ id: 'g', operations: ['get'], conditions: { params: { id: { claim: 'own' } } } }],
      },
    },
    principals: {},
  });
  const asked: unknown[] = [];
  const evaluate = (input: unknown) => asked.push(JSON.parse(JSON.stringify(input)));
  const decide = createDecide(
    createSlices({ lines: openIndex(indexLines(line)) }),
    { evaluate },
    createReadFacts(new Map([['orders', { facts: named }]])),
  );
  const question = (groups: string[] | null, api: string): Question => ({
    identity: { subject: 'user:ann', groups, mfa: false, expiresAt: null },
    route: {
      api,
      operation: 'get',
      template: '/v1/{id}',
      upstream: 'http://127.0.0.1:1',
      base: '',
      strip: 0,
    },
    method: 'GET',
    networks: ['office'],
    time: 100,
    path: '/v1/seven',
    stated: { params: new Map(), claims: new Map([['own', 'seven']]) },
  });
  decide(question(['group:a'], 'orders'));
  decide(question(null, 'payments'));
  for (const input of asked) assert.ok(isInput(input), JSON.stringify(isInput.errors));
  assert.deepEqual(Object.keys(asked[0] as object).sort(), [...inputFields].sort());
  const { required } = schemaOf('input');
  assert.deepEqual(
    required.filter((name: string) => !Object.hasOwn(asked[1] as object, name)),
    [],
  );
  assert.ok(!isInput({ ...(asked[1] as object), reqest: 1 }));
});
