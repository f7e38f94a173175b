import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { facts } from '../../../bundle/grants/api/facts.ts';
import { createCallers } from '../../../gateway/decision/caller.ts';
import { createDecide } from '../../../gateway/decision/decide.ts';
import type { Facts, Question, Stated } from '../../../gateway/decision/decision.ts';
import { createReadFacts } from '../../../gateway/decision/facts.ts';
import { malformed, textFact } from '../../../gateway/decision/factValue.ts';
import { createRecordOf } from '../../../gateway/record/recordOf.ts';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../../gateway/revision/slices.ts';
import { type ApiEntry, readHead } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../_document.ts';

const test = suite('facts of a request');

const country = { header: 'x-geo-country', from: 'trusted_proxies', values: ['DE', 'FR'] };
const declared: Record<string, object> = {
  tenant: { param: 'tenant', max_length: 8 },
  page: { param: 'page', type: 'number' },
  country: { ...country, record: 'value' },
  agent: { header: 'x-agent', from: 'caller', record: 'digest' },
  device: { claim: 'device.trust' },
  level: { claim: 'level', type: 'number', record: 'value' },
  staff: { claim: 'staff', type: 'boolean' },
  roles: { claim: 'roles', type: 'list', max_length: 5 },
  constructor: { claim: 'constructor' },
  time: { property: 'context.time', record: 'value' },
  status: { property: 'resource.status' },
};
const factsOnly = (all: Record<string, object>): ReadonlyMap<string, Pick<ApiEntry, 'facts'>> =>
  new Map([['orders', { facts: facts.parse(all) }]]);
const readFacts = createReadFacts(factsOnly(declared));
assert.ok(readFacts);

const route = {
  api: 'orders',
  operation: 'x',
  template: '/t/{tenant}/{page}',
  upstream: 'http://o',
  base: '',
  strip: 0,
};
type Token = Readonly<Record<string, unknown>>;
function asked(
  {
    token,
    sent = [],
    proxy,
    path = '/t/acme/7',
  }: {
    token?: Token;
    sent?: readonly string[];
    proxy?: boolean;
    path?: string;
  } = {},
  time = 100,
): Question {
  const subject = 'user:ann';
  const proof = {
    method: 'jwt' as const,
    ...{ id: 'i', issuer: 'https://i', sub: 's', login: 'ann', groups: null, mfa: false },
    ...{ expiresAt: null, payload: token ?? {}, bytes: 600 },
  };
  return {
    identity: { subject, groups: null, mfa: false, expiresAt: null, credential: 'one', proof },
    ...{ route, method: 'GET', networks: [], time, path },
    headers: { rawHeaders: sent, ...(proxy === undefined ? {} : { fromProxy: () => proxy }) },
  };
}
const read = (question: Question): Facts => readFacts(question);
const ofToken = (token: Token) => read(asked({ token }));
const ofHeaders = (sent: readonly string[], proxy = true) => read(asked({ sent, proxy }));

test('no API that names any costs nothing, and beside one that does all have an object', () => {
  assert.equal(createReadFacts(new Map([['orders', {}]])), null);
  const empty = readFacts({ ...asked(), route: { ...route, api: 'other' } });
  assert.deepEqual(empty, { values: {}, fault: null, onRecord: null });
});

test('an empty text is no fact of any type, and neither a number nor a boolean that is malformed', () => {
  for (const type of ['text', 'number', 'boolean'] as const)
    for (const text of [null, '']) assert.ok(textFact({ type, max_length: 9 }, text) === null, type);
  assert.ok(textFact({ type: 'number', max_length: 9 }, ' ') === malformed);
});

test('path parameters are read as they are decided, a number in digits', () => {
  assert.deepEqual(read(asked({ path: '/t/a%20b/7' })).values, { tenant: 'a b', page: 7 });
  for (const [path, fault] of [
    ['/t/acmeacmeacme/7', 'tenant'],
    ['/t/acme/seven', 'page'],
    ['/t/acme/07', 'page'],
    ['/t/acme/1e3', 'page'],
    ['/t/acme/9007199254740993', 'page'],
    ['/t/acme/-0', 'page'],
  ] as const)
    assert.equal(read(asked({ path })).fault, fault, path);
});

test('a header is there when it came once with one value, by whom it is believed from', () => {
  assert.equal(ofHeaders(['X-Geo-Country', 'DE']).values.country, 'DE');
  for (const [sent, proxy] of [
    [['x-geo-country', 'DE'], false],
    [['x-geo-country', ''], true],
    [['x_geo_country', 'DE'], false],
    [['x-geo-country ', 'DE'], true],
    [['x-geo-countrу', 'DE'], true],
    [[], true],
  ] as const) {
    const { values, fault } = ofHeaders(sent, proxy);
    assert.deepEqual([Object.hasOwn(values, 'country'), fault], [false, null], sent.join());
  }
  assert.equal(read(asked({ sent: ['x-geo-country', 'DE'] })).values.country, undefined);
  assert.equal(ofHeaders(['X-Agent', 'app 1'], false).values.agent, 'app 1');
});

test('a header that is doubled, joined or no value of the API is a fault, never absent', () => {
  for (const sent of [
    ['x-geo-country', 'DE', 'x-geo-country', 'DE'],
    ['x-geo-country', 'DE', 'X-GEO-COUNTRY', 'FR'],
    ['x-geo-country', '', 'x-geo-country', 'DE'],
    ['x-geo-country', 'DE, FR'],
    ['x-geo-country', 'DE,'],
    ['x-geo-country', 'US'],
    ['x-geo-country', 'de'],
    ['x-geo-country', 'D\u00c9'],
    ['x-geo-country', 'DE\tFR'],
    ['x-geo-country', 'D'.repeat(100_000)],
  ])
    assert.deepEqual([ofHeaders(sent).fault, ofHeaders(sent).values.country], ['country', undefined]);
});

test('a header that the API would not get as it is read is a fault', () => {
  const agent = (...sent: string[]) => read(asked({ sent: ['x-agent', 'app', ...sent] }));
  assert.equal(agent('connection', 'keep-alive', 'x-agents', 'b').values.agent, 'app');
  for (const sent of [
    ['connection', 'x-agent'],
    ['Connection', 'close, X-Agent '],
    ['connection', 'close', 'connection', 'upgrade,x-agent'],
    ['X_Agent', 'other'],
    ['x.agent', ''],
  ])
    assert.equal(agent(...sent).fault, 'agent', sent.join());
  for (const name of ['x_geo_country', 'X-Geo.Country', 'X_GEO_COUNTRY'])
    assert.deepEqual(
      [ofHeaders([name, 'DE']).fault, ofHeaders([name, 'DE'], false).fault],
      ['country', null],
    );
  assert.equal(
    ofHeaders(['connection', 'x-geo-country']).fault,
    null,
    'what is not there is taken from nobody',
  );
});

test('a claim is what its type says, by name or by path, and nothing of it is guessed', () => {
  const token = { device: { trust: 'high' }, level: 3, staff: false, roles: ['a', 2, true] };
  const { values, fault } = ofToken(token);
  const { device, level, staff, roles } = values;
  assert.deepEqual([device, level, staff, roles, fault], ['high', 3, false, ['a', 2, true], null]);
  assert.deepEqual(ofToken({ roles: 'a' }).values.roles, ['a']);
  assert.deepEqual(ofToken({ roles: [] }).values.roles, []);
  assert.ok(Object.is(ofToken({ level: -0 }).values.level, 0));
  for (const empty of [{}, { device: {} }, { device: { trust: null } }, { level: null }]) {
    const found = ofToken(empty as Token);
    assert.deepEqual([found.values.device, found.values.level, found.fault], [undefined, undefined, null]);
  }
  const hostile: [Token, string][] = [
    [{ device: { trust: 1 } }, 'device'],
    [{ device: { trust: ['high'] } }, 'device'],
    [{ device: { trust: 'x'.repeat(257) } }, 'device'],
    [{ device: { trust: 'a\nb' } }, 'device'],
    [{ device: { trust: '\ud800' } }, 'device'],
    [{ level: '3' }, 'level'],
    [{ level: 1.5 }, 'level'],
    [{ level: 2 ** 53 }, 'level'],
    [{ level: 1e15 }, 'level'],
    [{ level: Number.POSITIVE_INFINITY }, 'level'],
    [{ staff: 'true' }, 'staff'],
    [{ staff: 1 }, 'staff'],
    [{ roles: ['a', null] }, 'roles'],
    [{ roles: ['a', ''] }, 'roles'],
    [{ roles: ['a', ['b']] }, 'roles'],
    [{ roles: ['a', { b: 1 }] }, 'roles'],
    [{ roles: ['longer'] }, 'roles'],
    [{ roles: Array.from({ length: 65 }, () => 'a') }, 'roles'],
    [{ roles: { 0: 'a' } }, 'roles'],
  ];
  for (const [payload, name] of hostile) {
    const found = ofToken(payload);
    assert.deepEqual(
      [found.fault, Object.hasOwn(found.values, name)],
      [name, false],
      JSON.stringify(payload),
    );
  }
});

test('names of prototypes are names, and texts are compared as they are', () => {
  assert.equal(Object.hasOwn(ofToken({}).values, 'constructor'), false);
  assert.equal(ofToken({ constructor: 'x' }).values.constructor, 'x');
  const inherited = Object.create({ level: 3 }) as Token;
  assert.equal(ofToken(inherited).values.level, undefined);
  assert.equal(ofToken(JSON.parse('{"__proto__":{"level":3}}') as Token).values.level, undefined);
  const [composed, parted] = ['\u00e9', 'e\u0301'].map(
    (trust) => ofToken({ device: { trust } }).values.device,
  );
  assert.notEqual(composed, parted);
});

test('who calls what is public has no claims, nor has whoever brings no token', () => {
  const question = asked({ token: { level: 3 } });
  for (const changes of [
    { subject: 'anonymous' },
    { proof: { method: 'api-key', sha256: 'x' } as const },
    { proof: undefined },
  ]) {
    const identity = { ...question.identity, ...changes } as Question['identity'];
    const stated: Stated = { params: new Map(), claims: new Map(), properties: { subject: { level: 5 } } };
    const bare = read({ ...question, identity });
    assert.equal(Object.hasOwn(bare.values, 'level'), false);
    const told = read({ ...question, identity, stated }).values.level;
    assert.equal(told, 'proof' in changes && changes.proof === undefined ? 5 : undefined);
  }
});

test('an application says what a request would have, and what none has', () => {
  const { path: _, headers: __, ...question } = asked();
  const identity = { subject: 'user:ann', groups: null, mfa: false, expiresAt: null };
  const factsOf = (properties: Stated['properties'], params: [string, string][] = []) =>
    read({
      ...question,
      identity,
      stated: { params: new Map(params), claims: new Map(), ...(properties && { properties }) },
    });
  const told = factsOf(
    {
      resource: { status: 'archived', tenant: 'acme', page: 7 },
      subject: { device: { trust: 'high' }, roles: ['a'] },
      context: { headers: { 'X-Geo-Country': 'FR' }, time: 'noon' },
    },
    [['tenant', 'other']],
  );
  assert.deepEqual(
    { ...told.values },
    {
      ...{ tenant: 'other', page: 7, country: 'FR', device: 'high', roles: ['a'] },
      ...{ time: 'noon', status: 'archived' },
    },
  );
  assert.deepEqual(factsOf(undefined), { values: {}, fault: null, onRecord: factsOf({}).onRecord });
  for (const [properties, fault] of [
    [{ resource: { status: ['x'] } }, 'status'],
    [{ resource: { status: 7 } }, 'status'],
    [{ context: { headers: { 'x-geo-country': ['DE', 'FR'] } } }, 'country'],
    [{ context: { headers: { 'x-geo-country': 'US' } } }, 'country'],
    [{ context: { headers: { 'x-geo-country': 'DE', 'X-Geo-Country': 'FR' } } }, 'country'],
    [{ context: { headers: { 'x-geo-country': null, 'X-Geo-Country': 'FR' } } }, 'country'],
    [{ resource: { page: '1.5' } }, 'page'],
  ] as const)
    assert.equal(factsOf(properties).fault, fault);
});

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

const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 9, arbitrary },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom(null, '', 'x\n', 2 ** 53), fc.double(), fc.object()) },
  );
const token = fc.record(
  {
    level: mostly(fc.integer({ min: -1, max: 1 })),
    staff: mostly(fc.boolean()),
    roles: mostly(fc.array(fc.constantFrom('a', 1, true), { maxLength: 2 })),
    constructor: mostly(fc.constantFrom('a', 'b')),
    'device.trust': mostly(fc.constantFrom('a', '1', 'true')),
  },
  { requiredKeys: [] },
);
const headers = fc
  .array(
    fc.tuple(
      fc.constantFrom('x-geo-country', 'X-Geo-Country', 'x-agent', 'x_agent'),
      fc.constantFrom('DE', 'FR', 'DE', 'FR', '', 'a,b'),
    ),
    { maxLength: 2 },
  )
  .map((pairs) => pairs.flat());
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
