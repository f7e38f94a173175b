import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { createSlices, sameLines } from '../../../gateway/revision/slices.ts';
import type { Snapshot } from '../../../gateway/revision/snapshot.ts';
import { readHead } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, type Document, lineForm } from '../_document.ts';

const test = suite('slices');

const document = (): Document => ({
  apis: { orders: apiEntry('orders'), payments: apiEntry('payments') },
  grants: {
    orders: {
      'group:billing': [{ id: 'a' }],
      'group:other': [{ id: 'x' }],
      'user:ann': [{ id: 'b' }],
      'user:bob': [{ id: 'd' }],
    },
    payments: { 'user:ann': [{ id: 'c' }] },
  },
  principals: {
    'user:ann': { active: true, groups: ['group:billing'] },
    'user:bob': { active: false, groups: [] },
  },
});

function snapshot(from: Document, policy = 'sha256:1'): Snapshot {
  const shared = indexLines(lineForm(from));
  return {
    ...readHead(shared),
    revision: '1',
    counter: 1,
    committedAt: '2026-01-01T00:00:00Z',
    digest: 'sha256:0',
    grants: 1,
    loadedMs: 0,
    movedMs: null,
    wasm: new WebAssembly.Module(Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
    policy,
    reads: { api: [], clock: false, networks: false, sources: [], wasm: '' },
    lines: openIndex(shared),
    before: null,
  };
}

const read = (slice: ArrayBuffer) => JSON.parse(Buffer.from(slice).toString());

test('holds the lines of the caller and of the groups, and no others', () => {
  const slices = createSlices(snapshot(document()));
  const ann = slices.principal('user:ann');
  assert.deepEqual(read(slices.slice('orders', 'user:ann', ann?.groups ?? [])), {
    grants: { orders: { 'user:ann': [{ id: 'b' }], 'group:billing': [{ id: 'a' }] } },
    principals: { 'user:ann': { active: true, groups: ['group:billing'] } },
  });
});

test('knows a principal of the directory, and not a stranger or a group', () => {
  const slices = createSlices(snapshot(document()));
  assert.deepEqual(slices.principal('user:ann'), { active: true, groups: ['group:billing'] });
  assert.deepEqual(slices.principal('user:bob'), { active: false, groups: [] });
  for (const stranger of ['user:eve', 'group:billing', '', '__proto__'])
    assert.equal(slices.principal(stranger), null);
});

test('gives a stranger a slice without lines', () => {
  const slices = createSlices(snapshot(document()));
  assert.deepEqual(read(slices.slice('orders', 'user:eve', [])), { grants: { orders: {} }, principals: {} });
  assert.deepEqual(read(slices.slice('nothing"', 'user:eve', [])), {
    grants: { 'nothing"': {} },
    principals: {},
  });
});

test("takes a token's groups, but never another principal named as one", () => {
  const slices = createSlices(snapshot(document()));
  const groups = ['group:other', 'user:bob', 'group:other', 'service:x'];
  assert.deepEqual(Object.keys(read(slices.slice('orders', 'user:eve', groups)).grants.orders), [
    'group:other',
  ]);
});

test('returns the same buffer for the same question, and another for other groups', () => {
  const slices = createSlices(snapshot(document()));
  const groups = slices.principal('user:ann')?.groups ?? [];
  const slice = slices.slice('orders', 'user:ann', groups);
  assert.equal(slices.slice('orders', 'user:ann', groups), slice);
  assert.notEqual(slices.slice('payments', 'user:ann', groups), slice);
  const token = slices.slice('orders', 'user:ann', ['group:other']);
  assert.notEqual(token, slice);
  assert.equal(slices.slice('orders', 'user:ann', ['group:other']), token);
  // A policy may also look at the groups that the directory knows.
  assert.deepEqual(Object.keys(read(token).grants.orders), ['user:ann', 'group:other', 'group:billing']);
});

test('keeps questions apart whose parts join to the same text', () => {
  const slices = createSlices(snapshot(document()));
  const one = slices.slice('orders', 'user:ann', ['group:a', 'group:b']);
  assert.notEqual(slices.slice('orders', 'user:ann', ['group:agroup:b']), one);
  assert.notEqual(slices.slice('orders', 'user:ann', ['group:a7:group:b']), one);
});

test('stays correct when its caches are too small to hold anything', () => {
  const slices = createSlices(snapshot(document()), { maxBytes: 16 });
  for (let i = 0; i < 3; i += 1) {
    const groups = slices.principal('user:ann')?.groups ?? [];
    assert.deepEqual(Object.keys(read(slices.slice('orders', 'user:ann', groups)).grants.orders), [
      'user:ann',
      'group:billing',
    ]);
  }
});

test('refuses a principal line of another shape', () => {
  for (const line of [
    '{"active":"yes","groups":[]}',
    '{"active":true}',
    '{"active":true,"groups":[1]}',
    '{"groups":[]}',
  ]) {
    const bytes = lineForm(document()).toString().replace('{"active":false,"groups":[]}', line);
    const slices = createSlices({ lines: openIndex(indexLines(Buffer.from(bytes))) });
    assert.throws(() => slices.principal('user:bob'), { code: 'data-malformed' });
    assert.equal(slices.principal('user:ann')?.active, true);
  }
});

test('cuts from any document what the whole document says', () => {
  const person = fc.constantFrom('user:a', 'user:b', 'user:c@example.com', 'service:d');
  const group = fc.constantFrom('group:x', 'group:y', 'group:z');
  const grant = fc.array(
    fc.record(
      { id: fc.string(), operations: fc.array(fc.string(), { maxLength: 2 }) },
      { noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 3 },
  );
  const grants = fc.dictionary(fc.oneof(person, group), grant, { noNullPrototype: true });
  const principals = fc.dictionary(
    person,
    fc.record(
      { active: fc.boolean(), groups: fc.uniqueArray(group).map((list) => list.sort()) },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(
      grants,
      grants,
      principals,
      person,
      fc.uniqueArray(group),
      (orders, payments, known, subject, token) => {
        const whole = {
          apis: { orders: apiEntry('orders'), payments: apiEntry('payments') },
          grants: { orders, payments },
          principals: known,
        };
        const slices = createSlices(snapshot(whole));
        const own = slices.principal(subject);
        assert.deepEqual(own, known[subject] ?? null);
        for (const groups of [own?.groups ?? [], token])
          for (const api of ['orders', 'payments'] as const) {
            const holders: ReadonlySet<string> = new Set([subject, ...groups, ...(own?.groups ?? [])]);
            const names: string[] = [...holders].filter((name) => Object.hasOwn(whole.grants[api], name));
            assert.deepEqual(read(slices.slice(api, subject, groups)), {
              grants: { [api]: Object.fromEntries(names.map((name) => [name, whole.grants[api][name]])) },
              principals: own ? { [subject]: known[subject] } : {},
            });
          }
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

test('tells whose lines differ between two snapshots', () => {
  const before = snapshot(document());
  const same = (edit: (next: Document) => void, api = 'orders', subject = 'user:ann', groups?: string[]) => {
    const next = document();
    edit(next);
    return sameLines(before, snapshot(next), api, subject, groups);
  };
  assert.ok(same(() => {}));
  assert.ok(same((next) => delete next.grants.orders?.['user:bob']));
  assert.ok(!same((next) => delete next.grants.orders?.['user:ann']));
  assert.ok(!same((next) => delete next.grants.orders?.['group:billing']));
  assert.ok(same((next) => delete next.grants.orders?.['group:billing'], 'payments'));
  assert.ok(same((next) => delete next.grants.orders?.['group:other']));
  assert.ok(
    !same((next) => delete next.grants.orders?.['group:other'], 'orders', 'user:ann', ['group:other']),
  );
  assert.ok(
    !same((next) =>
      Object.assign(next.principals, { 'user:ann': { active: false, groups: ['group:billing'] } }),
    ),
  );
  assert.ok(!same((next) => Object.assign(next, { networks: { office: ['192.0.2.0/25'] } })));
  assert.ok(
    !same((next) =>
      Object.assign(next.apis, { orders: { ...apiEntry('orders'), upstream: 'http://127.0.0.1:2' } }),
    ),
  );
  assert.ok(!sameLines(before, snapshot(document(), 'sha256:2'), 'orders', 'user:ann'));
});

test('refuses a head this version does not understand, or grants at an API nobody described', () => {
  const strange = { ...document(), apis: { orders: { ...apiEntry('orders'), shadow: true } } };
  assert.throws(() => snapshot(strange), /apis\.orders/);
  const missing = { ...document(), apis: { orders: apiEntry('orders') } };
  assert.throws(() => snapshot(missing), /"payments"/);
});

test('an entry that names nobody where somebody must be named is not understood, and one name is enough', () => {
  const withCors = (origins: string[]) => {
    const { apis, ...rest } = document();
    return { ...rest, apis: { ...apis, orders: { ...apiEntry('orders'), cors: { max_age: 600, origins } } } };
  };
  assert.deepEqual(snapshot(withCors(['https://a.example'])).apis.get('orders')?.cors?.origins, [
    'https://a.example',
  ]);
  assert.throws(() => snapshot(withCors([])), { code: 'bundle-malformed' });
});
