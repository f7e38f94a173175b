import * as assert from 'node:assert/strict';
import type { Question, Stated } from '../../../gateway/decision/decision.ts';
import { createReadFacts } from '../../../gateway/decision/facts.ts';
import { malformed, textFact } from '../../../gateway/decision/factValue.ts';
import { suite } from '../../_suite.ts';
import { asked, ofHeaders, ofToken, read, readFacts, route, type Token } from './_facts.ts';

const test = suite('facts of a request');

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
