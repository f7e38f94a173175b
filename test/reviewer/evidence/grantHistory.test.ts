import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { workingTree } from '../../../bundle/git/tree.ts';
import { readAccess } from '../../../bundle/grants/readGrants.ts';
import { readCommits } from '../../../reviewer/evidence/commits/readCommits.ts';
import { createGrantHistory } from '../../../reviewer/evidence/grantHistory.ts';
import { grew } from '../../../reviewer/evidence/grants/grew.ts';
import { suite } from '../../_suite.ts';

const test = suite('history of one grant');
const path = 'grants/access/orders/billing.yaml';
const text = (rest = '') => `- id: orders-one
  principal: user:ann@example.com
  api: orders
  role: reader
  reason: Answers customers
  owner: group:desk
  granted: 2026-03-01
${rest}`;
const entry = (rest: string) => {
  const [found] = readAccess(Buffer.from(text(rest)), path, '').entries;
  assert.ok(found !== undefined, rest);
  return found.entry;
};
/** What is known after these texts of files, a second apart. */
const afterFiles = (...steps: Readonly<Record<string, string | null>>[]) => {
  const history = createGrantHistory();
  for (const [at, texts] of steps.entries())
    history.step({
      ...{ commit: 'c', at, blind: false },
      files: Object.entries(texts).map(([path, one]) => ({
        path,
        bytes: one === null ? null : Buffer.from(one),
      })),
    });
  return history.end()('orders-one');
};
const after = (...texts: (string | null)[]) => afterFiles(...texts.map((one) => ({ [path]: one })));

test('a grant grows when a path parameter may have more values than before, and by nothing less', () => {
  const acme = '  params: { tenant: [acme] }\n';
  const both = '  params: { tenant: [acme, other] }\n';
  const claim = '  params: { tenant: claim:tenant }\n';
  const cases: [before: string, after: string, grows: boolean][] = [
    [acme, '', true],
    [acme, both, true],
    [acme, '  params: { id: [acme] }\n', true],
    [acme, claim, true],
    [claim, '  params: { tenant: claim:sub }\n', true],
    [acme, acme, false],
    [both, acme, false],
    [claim, claim, false],
    [acme, '  params: { tenant: [acme], id: ["7"] }\n', false],
    ['', acme, false],
  ];
  for (const [before, now, grows] of cases)
    assert.equal(grew(entry(before), entry(now), 0), grows, `${before} → ${now}`);
});

test('a grant that comes suspended is so since it came, and one that only speaks of it is not', () => {
  const suspended = text('  state: suspended\n');
  assert.equal(after('[]', suspended)?.suspendedAt, 1);
  assert.equal(after('[]', text('  ticket: suspended\n'))?.suspendedAt, null);
  assert.equal(after(text(), null, suspended)?.suspendedAt, 2);
  assert.equal(after(suspended, null, text('  ticket: suspended\n'))?.suspendedAt, null);
});

test('files outside Git tell nothing of since when a grant is suspended', async () => {
  const root = await mkdtemp(join(tmpdir(), 'grantgate-no-git-'));
  try {
    await mkdir(join(root, 'grants/access/orders'), { recursive: true });
    await writeFile(join(root, path), text('  state: suspended\n'));
    const history = createGrantHistory();
    const steps = await Array.fromAsync(readCommits(await workingTree(root), 100));
    for (const step of steps) history.step(step);
    assert.deepEqual(
      steps.map(({ commit, at, blind }) => ({ commit, at, blind })),
      [{ commit: null, at: 100, blind: true }],
    );
    assert.equal(history.end()('orders-one')?.suspendedAt, null);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('tells since when it is whose, and who answers for it', () => {
  const others = (principal: string, owner: string) =>
    text().replace('user:ann@example.com', principal).replace('group:desk', owner);
  const whose = (...texts: string[]) => {
    const known = after(...texts);
    return [known?.heldAt, known?.ownedAt, known?.grownAt, known?.restoredAt];
  };
  assert.deepEqual(whose(text()), [null, null, null, null]);
  assert.deepEqual(whose(text(), others('user:bob@example.com', 'group:desk')), [1, null, 1, null]);
  assert.deepEqual(whose(text(), others('user:ann@example.com', 'group:night')), [null, 1, null, null]);
  assert.deepEqual(whose(text(), others('user:ANN@example.com', 'group:DESK')), [null, null, null, null]);
});

const api = (exceptions = '') => `api: orders
description: Orders
owner: group:desk
tier: low
upstream: http://orders.internal:8080
route: { prefix: /orders }
operations: { get: GET /v1/a, list: GET /v1/b, create: POST /v1/a }
roles: { reader: [get], editor: [reader, create] }
${exceptions}`;
const apiPath = 'grants/apis/orders.yaml';

test('what anybody might call is used by a grant only since it is not public any more', () => {
  const open = (operation: string) => api(`exceptions: { ${operation}: { public: true } }\n`);
  const grown = (grant: string, ...apis: string[]) =>
    afterFiles(
      { [path]: grant, [apiPath]: apis[0] ?? '' },
      ...apis.slice(1).map((one) => ({ [apiPath]: one })),
    )?.grownAt;
  const listed = text().replace('role: reader', 'operations: [get, create]');
  for (const grant of [text(), listed]) {
    assert.equal(grown(grant, open('get'), api()), 1);
    assert.equal(grown(grant, open('get'), open('list')), 1);
    assert.equal(grown(grant, open('list'), api()), null, 'it does not give that');
    assert.equal(grown(grant, api(), open('get')), null);
  }
  assert.equal(grown(text(), open('get'), api(), open('get')), 1);
});

test('a grant that holds from networks alone is anew when all of them lie elsewhere', () => {
  const office = (...blocks: string[]) => `office: [${blocks.join(', ')}]\nhome: [198.51.100.0/25]\n`;
  const grown = (names: string, ...networks: (string | null)[]) =>
    afterFiles(
      {
        [path]: text(names === '' ? '' : `  conditions: { networks: [${names}] }\n`),
        'grants/networks.yaml': networks[0] ?? null,
      },
      ...networks.slice(1).map((one) => ({ 'grants/networks.yaml': one })),
    )?.grownAt;
  const [one, other, third] = ['192.0.2.0/25', '203.0.113.0/25', '192.0.2.128/25'];
  assert.equal(grown('office', office(one), office(other)), 1);
  assert.equal(grown('office', office(one), office(one, other)), null, 'it held from there before');
  assert.equal(grown('office, home', office(one), office(other)), null);
  assert.equal(grown('home', office(one), office(other)), null);
  assert.equal(grown('', office(one), office(other)), null);
  assert.equal(grown('office', office(one), 'office: [', office(one)), null, 'never enforced');
  assert.equal(grown('office', office(one), office(other), office(other, third)), 1);
});

test('a grant is anew when callers of another kind get in, or when use of it is expected sooner', () => {
  const by = (methods: string) => api(methods === '' ? '' : `authentication: [${methods}]\n`);
  const opened = (...apis: string[]) =>
    afterFiles(...apis.map((one, at) => ({ [apiPath]: one, ...(at === 0 && { [path]: text() }) })))?.grownAt;
  assert.equal(opened(by('client-certificate'), by('client-certificate, jwt')), 1);
  assert.equal(opened(by('client-certificate'), by('')), 1);
  assert.equal(opened(by(''), by('jwt')), null);
  assert.equal(opened(by('jwt'), by('jwt')), null);
  const ord = (methods: string) => ({
    'grants/apis/ord.yaml': by(methods).replace('api: orders', 'api: ord'),
  });
  assert.equal(
    afterFiles({ [path]: text(), ...ord('jwt') }, ord('jwt, api-key'))?.grownAt,
    null,
    'another API',
  );
  const rest = (cadence: string) => text(cadence === '' ? '' : `  cadence: ${cadence}\n`);
  const expected = (before: string, now: string) => after(rest(before), rest(now))?.grownAt;
  for (const [before, now] of [
    ['break-glass', ''],
    ['break-glass', 'annual'],
    ['annual', 'quarterly'],
    ['monthly', 'daily'],
  ] as const) {
    assert.equal(expected(before, now), 1, `${before} → ${now}`);
    assert.equal(expected(now, before), null, `${now} → ${before}`);
  }
});

test('no time counts as idle in which the grant, as it is now, allowed less to whom it is of', () => {
  const moment = fc.record({
    file: fc.constantFrom('billing', 'billing', 'desk', null),
    state: fc.constantFrom('active', 'active', 'suspended'),
    principal: fc.constantFrom('user:ann@example.com', 'user:ann@example.com', 'user:bob@example.com'),
    gives: fc.constantFrom('role: reader', 'role: editor', 'operations: [get]', 'operations: [list, create]'),
    reader: fc.constantFrom(['get'], ['get', 'list']),
    open: fc.constantFrom(null, null, 'get', 'create'),
    block: fc.constantFrom('192.0.2.0/25', '203.0.113.0/25'),
    networks: fc.constantFrom('', '', '  conditions: { networks: [office] }\n'),
  });
  type Moment = typeof moment extends fc.Arbitrary<infer T> ? T : never;
  const filesOf = ({ file, state, principal, gives, reader, open, block, networks }: Moment) => {
    const grant = text(`  state: ${state}\n${networks}`)
      .replace('user:ann@example.com', principal)
      .replace('role: reader', gives);
    const roles = api(open === null ? '' : `exceptions: { ${open}: { public: true } }\n`);
    return {
      ...{ 'grants/access/orders/billing.yaml': null, 'grants/access/orders/desk.yaml': null },
      ...(file !== null && { [`grants/access/orders/${file}.yaml`]: grant }),
      [apiPath]: roles.replace('reader: [get]', `reader: [${reader.join(', ')}]`),
      'grants/networks.yaml': `office: [${block}]\n`,
    };
  };
  /** What was recorded under it, were it used. */
  const allowed = (one: Moment, to: Moment): readonly string[] => {
    if (one.file === null || one.state !== 'active' || one.principal !== to.principal) return [];
    if (one.networks !== '' && one.block !== to.block) return [];
    const listed = /\[(.*)\]/.exec(one.gives)?.[1]?.split(', ');
    const covers = listed ?? [...one.reader, ...(one.gives.includes('editor') ? ['create'] : [])];
    return covers.filter((operation) => operation !== one.open);
  };
  fc.assert(
    fc.property(fc.array(moment, { minLength: 1, maxLength: 8 }), (moments) => {
      const last = moments.at(-1);
      if (last === undefined || last.file === null || last.state !== 'active') return;
      const now = allowed(last, last);
      const from = afterFiles(...moments.map(filesOf))?.grownAt ?? 0;
      for (const one of moments.slice(from)) {
        const then = allowed(one, last);
        assert.deepEqual(
          now.filter((operation) => !then.includes(operation)),
          [],
        );
      }
    }),
    { numRuns: 1000 },
  );
});

test('what a grant, its holder, its owner and its API were meanwhile on a merged branch is not held against them', () => {
  const known = (
    first: string,
    meanwhile: string,
    file = path,
    start: Readonly<Record<string, string>> = {},
  ) => {
    const history = createGrantHistory();
    const grant = file === path ? first : text();
    const before: Readonly<Record<string, string>> = { [path]: grant, ...start };
    const files = Object.entries(before).map(([path, one]) => ({ path, bytes: Buffer.from(one) }));
    history.step({ ...{ commit: 'a', at: 1, blind: false }, files });
    const [old, now] = [Buffer.from(before[file] ?? ''), Buffer.from(meanwhile)];
    history.aside({ at: 5, mergedAt: 9, files: [{ path: file, before: old, after: now }] });
    history.aside({ at: 7, mergedAt: 9, files: [{ path: file, before: now, after: old }] });
    const { grownAt, restoredAt, suspendedAt, heldAt, ownedAt } = history.end()('orders-one') ?? {};
    return { grownAt, restoredAt, suspendedAt, heldAt, ownedAt };
  };
  const never = { grownAt: null, restoredAt: null, suspendedAt: null, heldAt: null, ownedAt: null };
  const suspended = text('  state: suspended\n');
  assert.deepEqual(known(text(), text('  ticket: A-1\n')), never);
  assert.deepEqual(known(text(), suspended), { ...never, grownAt: 7, restoredAt: 7 });
  const again = known(suspended, text());
  assert.deepEqual([again.suspendedAt, again.grownAt], [7, 5]);
  const bobs = text().replace('user:ann', 'user:bob');
  assert.deepEqual(known(text(), bobs), { ...never, grownAt: 7, heldAt: 7 });
  assert.deepEqual(known(text(), text().replace('group:desk', 'group:night')), { ...never, ownedAt: 7 });
  assert.deepEqual(known(text('  cadence: daily\n'), text('  cadence: annual\n')), { ...never, grownAt: 7 });
  const orders = 'grants/apis/orders.yaml';
  const narrow = api().replace('reader: [get]', 'reader: [list]');
  assert.deepEqual(known('', narrow, orders, { [orders]: api() }), { ...never, grownAt: 7 });
  assert.deepEqual(
    known('', api().replace('[reader, create]', '[reader]'), orders, { [orders]: api() }),
    never,
  );
});

test('what a merge gives back that its branch had taken was given back by the merge', () => {
  const grown = (tip: string, merged: string) => {
    const history = createGrantHistory();
    const step = (at: number, one: string) =>
      history.step({ ...{ commit: 'a', at, blind: false }, files: [{ path, bytes: Buffer.from(one) }] });
    step(1, text());
    history.aside({
      at: 5,
      mergedAt: 9,
      files: [{ path, before: Buffer.from(text()), after: Buffer.from(tip) }],
    });
    if (merged !== text()) step(9, merged);
    return history.end()('orders-one')?.grownAt;
  };
  const suspended = text('  state: suspended\n');
  assert.equal(grown(suspended, text()), 9);
  assert.equal(grown('[]\n', text()), 9);
  assert.equal(grown(suspended, suspended), null, 'taken over');
  assert.equal(grown('[]\n', '[]\n'), null);
  assert.equal(grown(text('  ticket: A-1\n'), text()), null);
});

test('a file is read once for all of its grants that a branch changed', () => {
  const many = (reason: string) =>
    Array.from({ length: 50 }, (_, i) =>
      text(`  ticket: ${reason}\n`).replace('orders-one', `orders-${i}0`),
    ).join('');
  let reads = 0;
  const merged = Object.assign(Buffer.from(many('C-3')), {
    toString(this: Buffer, ...how: [BufferEncoding?]) {
      reads += 1;
      return Buffer.prototype.toString.apply(this, how);
    },
  });
  const history = createGrantHistory();
  history.step({ commit: 'a', at: 1, blind: false, files: [{ path, bytes: Buffer.from(many('A-1')) }] });
  const [before, after] = [Buffer.from(many('A-1')), Buffer.from(many('B-2'))];
  history.aside({ at: 5, mergedAt: 9, files: [{ path, before, after }] });
  history.step({ commit: 'b', at: 9, blind: false, files: [{ path, bytes: merged }] });
  const asMerged = reads;
  history.end();
  assert.equal(reads - asMerged, 1);
});

test('whoever kept a grant before it was taken away has not kept what is put back, by a revert or a cherry-pick', () => {
  const kept = (at: string) =>
    text(
      `  review: { decision: keep, by: user:dana@example.com, at: ${at}, until: 2027-01-31, reason: r }\n`,
    );
  const old = kept('1970-01-01T00:00:00Z');
  const isChanged = (...steps: (string | null)[]) => after(...steps)?.changedSinceReview;
  assert.equal(isChanged(text(), old), false);
  for (const back of [
    [old, null, old],
    [old, '[]\n', old, null, old],
    [old, null, text(), old, null, old],
  ])
    assert.equal(isChanged(...back), true);
  // Kept anew by what puts it back, or afterwards; or only moved.
  assert.equal(isChanged(old, null, kept('1970-01-01T00:00:01Z')), false);
  assert.equal(isChanged(old, null, old, kept('1970-01-01T00:00:03Z')), false);
  assert.equal(
    afterFiles({ [path]: old }, { [path]: null, 'grants/access/orders/other.yaml': old })?.changedSinceReview,
    false,
  );
  // What was put back without a keep, and is kept later.
  assert.equal(isChanged(text(), null, text(), old), false);
});
