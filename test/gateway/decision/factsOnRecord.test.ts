import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { createCallers } from '../../../gateway/decision/caller.ts';
import { createDecide } from '../../../gateway/decision/decide.ts';
import { createReadFacts } from '../../../gateway/decision/facts.ts';
import { createRecordOf } from '../../../gateway/record/recordOf.ts';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../../gateway/revision/slices.ts';
import { readHead } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../_document.ts';
import { asked, factsOnly, headers, ofHeaders, ofToken, read, readFacts, token } from './_facts.ts';

const test = suite('facts on record, and in memory');

test('a record holds of facts what their API lets it, as they are or as a digest, and tells absent ones from untold', () => {
  const sent = ['x-geo-country', 'DE', 'x-agent', 'app'];
  const { onRecord } = read(asked({ token: { device: { trust: 'high' }, level: 3 }, sent, proxy: true }));
  const { agent, ...others } = onRecord ?? {};
  assert.deepEqual(others, { country: 'DE', level: 3, time: null });
  assert.match(JSON.stringify(agent), /^\{"sha256":"[0-9a-f]{64}"\}$/);
  assert.deepEqual(ofHeaders(['x-agent', 'app']).onRecord?.agent, agent);
  assert.notDeepEqual(ofHeaders(['x-agent', 'other']).onRecord?.agent, agent);
  assert.deepEqual(ofToken({ level: 'x', device: { trust: 1 } }).onRecord?.device, { malformed: true });
  assert.equal(createReadFacts(factsOnly({ device: { claim: 'd' } }))?.(asked()).onRecord, null);
});

const document = lineForm({
  apis: { orders: apiEntry('orders') },
  grants: { orders: { 'user:ann': [{ id: 'g', operations: ['x'] }] } },
  principals: { 'user:ann': { active: true, groups: [] } },
});
const slices = createSlices({ lines: openIndex(indexLines(document)) });
/** Answers with what it saw: two questions whose answers are the same had the same facts. */
const decide = createDecide(
  slices,
  {
    evaluate: (input) => ({
      allow: true,
      grants: ['g'],
      reason: JSON.stringify((input as { facts: unknown }).facts),
    }),
  },
  readFacts,
  false,
);
const request = fc.record({
  token,
  sent: headers,
  proxy: fc.boolean(),
  path: fc.constantFrom('/t/a/1', '/t/b/1', '/t/a/2', '/t/a/3', '/t/a/x'),
});

test('what is remembered of a caller is what would be evaluated, whatever the facts', () => {
  let evaluated = 0;
  let questions = 0;
  fc.assert(
    fc.property(fc.array(request, { minLength: 5, maxLength: 12 }), (requests) => {
      const callers = createCallers((question) => {
        evaluated += 1;
        return decide(question);
      }, readFacts);
      for (const one of [...requests, ...requests]) {
        questions += 1;
        const [remembered, exact] = [callers.decide(asked(one)), decide(asked(one))];
        assert.deepEqual(remembered.result, exact.result);
        assert.deepEqual(remembered.input, exact.input);
        assert.deepEqual(remembered.factsOnRecord, exact.factsOnRecord);
        const { fault } = read(asked(one));
        assert.equal(remembered.result.reason === 'fact-malformed', fault !== null);
        assert.equal(remembered.result.allow, fault === null);
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(evaluated < questions * 0.9, `${evaluated} of ${questions}`);
});

test('whoever forgets to read the facts of callers remembers nothing, instead of answering for others', () => {
  const { decide: careless } = createCallers(decide, null);
  const reasons = ['DE', 'FR', 'DE'].map(
    (name) => careless(asked({ sent: ['x-geo-country', name], proxy: true })).result.reason,
  );
  assert.match(reasons.join(), /DE.*FR.*DE/);
});

test('a record has no fact that its API does not let it have, and the time is where it was', () => {
  const question = asked({ token: { device: { trust: 'high' } }, sent: ['x-agent', 'secret'], proxy: true });
  const decision = decide(question);
  const enforcement = { snapshot: { revision: 'r' }, previous: null };
  const record = createRecordOf()(
    { id: 'd', decision, ...question, enforcement } as unknown as Parameters<
      ReturnType<typeof createRecordOf>
    >[0],
    0,
    200,
  );
  const line = JSON.stringify(record.input);
  assert.equal(/high|secret|acme/.test(line), false);
  assert.deepEqual([decision.input.facts?.device, decision.input.facts?.agent], ['high', 'secret']);
  const plain = createRecordOf()(
    {
      id: 'd',
      decision: { ...decision, factsOnRecord: null },
      ...question,
      enforcement,
    } as unknown as Parameters<ReturnType<typeof createRecordOf>>[0],
    0,
    200,
  );
  assert.equal('facts' in plain.input, false);
});

test('a bundle of somebody else’s making gets no credential into decisions', () => {
  const headOf = (fact: object) =>
    readHead(
      indexLines(
        lineForm({
          apis: { orders: { ...apiEntry('orders'), facts: { a: fact } } },
          grants: {},
          principals: {},
        }),
      ),
    );
  assert.deepEqual(headOf({ header: 'x-a', from: 'caller' }).apis.get('orders')?.facts?.a?.header, 'x-a');
  for (const fact of [
    { header: 'authorization', from: 'caller' },
    { header: 'x-a' },
    { query: 'a' },
    { claim: 'a', type: 'object' },
  ])
    assert.throws(() => headOf(fact), { code: 'bundle-malformed', message: /apis\.orders\.facts/ });
});
