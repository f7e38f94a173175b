import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { admitPolicy } from '../../../bundle/policy/admitPolicy.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { decisionPath } from '../../../bundle/policy/policies.ts';
import { createCallers } from '../../../gateway/decision/caller.ts';
import { createDecide } from '../../../gateway/decision/decide.ts';
import type { Question } from '../../../gateway/decision/decision.ts';
import { createEvaluator, type Evaluator } from '../../../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../../gateway/revision/slices.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../../bundle/_opa.ts';
import { apiEntry, type Document, lineForm } from '../_document.ts';

const test = suite('how long a decision holds');

const own = (rule: string) => `package grantgate.authz
names := {input.subject} | {g | some g in input.groups} | {g | some g in data.principals[input.subject].groups}
mine contains one if { some name in names; some one in data.grants[input.api][name] }
ids := sort([one.id | some one in mine])
default decision := {"allow": false, "grants": [], "reason": "nothing"}
decision := {"allow": true, "grants": ids, "reason": "fine"} if { count(ids) > 0; ${rule} }
`;
const policies: [what: string, clock: boolean, rego: string | null][] = [
  ['that comes with the product', false, null],
  ['that denies while a grant lasts', false, own('some one in mine; input.time >= one.expires')],
  [
    'by a far end',
    false,
    own('every one in mine { object.get(one, "expires", input.time + 1) > input.time }'),
  ],
  ['by the time itself', true, own('input.time % 7 < 3')],
  ['by the time before an end', true, own('some one in mine; input.time + 3 < one.expires')],
];
const grant = fc.record(
  {
    operations: fc.subarray(['x', 'y'], { minLength: 1 }),
    expires: fc.integer({ min: 95, max: 110 }),
    state: fc.constant('suspended'),
    conditions: fc.constantFrom({ mfa: true }, { networks: ['office'] }),
  },
  { requiredKeys: ['operations'] },
);
const grants = fc.dictionary(
  fc.constantFrom('user:ann', 'service:s', 'group:a', 'group:b'),
  fc.array(grant, { minLength: 1, maxLength: 3 }),
);
const questions = fc.array(
  fc.record({
    subject: fc.constantFrom('user:ann', 'service:s'),
    groups: fc.constantFrom(null, ['group:a'], ['group:a', 'group:b']),
    mfa: fc.boolean(),
    networks: fc.constantFrom([], ['office']),
    operation: fc.constantFrom('x', 'y'),
    time: fc.integer({ min: 90, max: 115 }),
  }),
  { minLength: 30, maxLength: 60 },
);

function documentOf(drawn: Record<string, object[]>): Document {
  let id = 0;
  const numbered = (list: object[]) =>
    list.map((one) => {
      id += 1;
      return { id: `g${id}`, ...one };
    });
  return {
    apis: { orders: apiEntry('orders') },
    grants: {
      orders: Object.fromEntries(Object.entries(drawn).map(([name, list]) => [name, numbered(list)])),
    },
    principals: {
      'user:ann': { active: true, groups: ['group:b'] },
      'service:s': { active: true, groups: [] },
    },
  };
}
const route = { api: 'orders', template: '/o', upstream: 'http://o', base: '', strip: 0 };

for (const [what, clock, rego] of policies)
  test(`what is remembered is what would be evaluated, by a policy ${what}`, async () => {
    const source =
      rego ?? (await readFile(new URL('../../../policies/authz/decision.rego', import.meta.url)));
    const work = await folder({});
    const { reads, wasm } = await admitPolicy(
      await findOpa(),
      new Map([['policies/authz/decision.rego', Buffer.from(source)]]),
      work.path,
    );
    await work.remove();
    assert.equal(reads.clock, clock);
    const module = new WebAssembly.Module(new Uint8Array(wasm));
    let [asked, evaluated] = [0, 0];
    const fresh = createEvaluator(module, decisionPath);
    const counted: Evaluator = {
      evaluate(input, data) {
        evaluated += 1;
        return fresh.evaluate(input, data);
      },
    };
    fc.assert(
      fc.property(grants, questions, (drawn, list) => {
        const lines = openIndex(indexLines(lineForm(documentOf(drawn))));
        const slices = createSlices({ lines, reads });
        const remembered = createCallers(createDecide(slices, counted, null, reads.clock), null).decide;
        const exact = createDecide(slices, fresh, null);
        for (const { subject, groups, mfa, networks, operation, time } of list) {
          const identity = {
            subject,
            groups,
            mfa,
            expiresAt: null,
            credential: JSON.stringify([subject, groups, mfa]),
          };
          const question: Question = {
            ...{ identity, networks, time, method: 'GET' },
            route: { ...route, operation },
          };
          const [one, other] = [remembered(question), exact(question)];
          asked += 1;
          assert.deepEqual([one.result, one.input], [other.result, other.input]);
          assert.deepEqual([...one.bounds], [...other.bounds]);
          assert.equal(one.failure, null);
        }
      }),
      { numRuns: 20 },
    );
    // By the clock, what was answered a second ago is of no use.
    if (clock) assert.ok(evaluated > asked * 0.9, `${evaluated} of ${asked}`);
    else assert.ok(evaluated < asked * 0.93, `${evaluated} of ${asked}`);
  });
