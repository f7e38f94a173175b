import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { type AccessChange, compareAccess } from '../../../bundle/access/compareAccess.ts';
import type { GrantLine } from '../../../bundle/data/grantLine.ts';
import { suite } from '../../_suite.ts';
import { answers, capacity, difference, names, type Request, requests } from './_callers.ts';

const test = suite('what rates come to, held against the gateway that counts by them');

const grantLines = (size: number): fc.Arbitrary<GrantLine[]> =>
  fc
    .array(
      fc.record({
        operations: fc.subarray(names, { minLength: 1 }),
        rate: fc.constantFrom(undefined, '1/s', '1/s', '2/s', '2/s', '4/s'),
        expires: fc.constantFrom(undefined, undefined, undefined, 100),
        asked: fc.constantFrom<GrantLine['conditions']>(
          ...[undefined, undefined, undefined, { networks: ['office'] }, { networks: ['vpn'] }],
          ...[{ networks: ['office', 'vpn'] }, { mfa: true as const }, { params: { tenant: ['acme'] } }],
          ...[{ params: { tenant: ['acme', 'beta'] } }, { params: { tenant: { claim: 'org' } } }],
        ),
      }),
      { maxLength: size },
    )
    .map((all) =>
      all.map(({ operations, rate, expires, asked }, index) => ({
        ...{ id: `g-${index}`, operations },
        ...(rate !== undefined && { rate }),
        ...(expires !== undefined && { expires }),
        ...(asked !== undefined && { conditions: asked }),
      })),
    );
/** Mostly what reviewers see: grants that go, come again under another name, are split, or ask for something else. */
const pairs = fc
  .record({
    before: grantLines(3),
    other: grantLines(2),
    kept: fc.subarray([0, 1, 2], { minLength: 1 }),
    renamed: fc.boolean(),
    split: fc.boolean(),
  })
  .map(({ before, other, kept, renamed, split }) => {
    const stay = before.filter((_, index) => kept.includes(index));
    const parts = split
      ? stay.flatMap((grant) => grant.operations.map((one) => ({ ...grant, operations: [one] })))
      : stay;
    const all = [...parts.slice(0, 4), ...other.slice(0, kept.length - 1)];
    if (renamed) all.reverse();
    return { before, after: all.map((grant, index) => ({ ...grant, id: `g-${index}` })) };
  });

const held = (grants: readonly GrantLine[]) => grants.map((grant) => ({ through: 'user:ann', grant }));
const compared = (before: readonly GrantLine[], after: readonly GrantLine[]) =>
  compareAccess({ name: 'orders', rates: [] }, held(before), held(after), null);

test('there is no change where every sequence of requests passes as it did, and only there', async () => {
  const seen = { alike: 0, other: 0 };
  await fc.assert(
    fc.asyncProperty(
      pairs,
      fc.array(fc.record({ gap: fc.nat(5), asked: fc.constantFrom(...requests) }), {
        minLength: 25,
        maxLength: 25,
      }),
      async ({ before, after }, random) => {
        const changes = compared(before, after);
        const steps = difference(before, after, requests);
        assert.equal(changes.length === 0, steps === null, JSON.stringify(changes));
        seen[steps === null ? 'alike' : 'other'] += 1;
        const [was, is] = [await answers(before, steps ?? random), await answers(after, steps ?? random)];
        if (steps === null) assert.deepEqual(was, is);
        else assert.notDeepEqual(was, is, 'the gateway itself tells them apart');
        for (const operation of names) {
          const own = requests.filter((one) => one.operation === operation);
          const told = changes.find(({ operations }) => operations.includes(operation));
          if (difference(before, after, own) !== null) assert.ok(told, `${operation} by itself`);
          if (told !== undefined) assertDirection(told, before, after, own);
        }
      },
    ),
    { numRuns: 120 },
  );
  assert.ok(seen.alike >= 10 && seen.other >= 10, JSON.stringify(seen));
});

/** What is said to be more is nowhere less, and what is said to be less is nowhere more. */
function assertDirection(
  { kind }: AccessChange,
  before: readonly GrantLine[],
  after: readonly GrantLine[],
  own: readonly Request[],
) {
  const moves = own.flatMap((asked) => {
    const [was, is] = [capacity(before, asked), capacity(after, asked)];
    return [Math.sign(is.count - was.count), Math.sign(Math.round((is.pace - was.pace) * 1e6))];
  });
  const [more, less] = [moves.includes(1), moves.includes(-1)];
  if (kind === 'loosened' || kind === 'extended' || kind === 'gains') assert.ok(!less, kind);
  if (kind === 'tightened' || kind === 'shortened' || kind === 'loses') assert.ok(!more, kind);
}

const get = (rate: string | undefined, more: Partial<GrantLine> = {}): Omit<GrantLine, 'id'> => ({
  operations: ['get'],
  ...(rate !== undefined && { rate }),
  ...more,
});
const from = (...networks: string[]) => ({ conditions: { networks } });
const tenants = (...tenant: string[]) => ({ conditions: { params: { tenant } } });
const both = { operations: ['get', 'list'] };
type Grants = readonly Omit<GrantLine, 'id'>[];
const named = (all: Grants): GrantLine[] => all.map((one, index) => ({ ...one, id: `g-${index}` }));

/** Before, after, and what becomes of each operation: nothing where it stands in none. */
const cases: Readonly<Record<string, [Grants, Grants, Record<string, AccessChange['kind']>]>> = {
  'one of two that are alike goes': [[get('2/s'), get('2/s')], [get('2/s')], { get: 'tightened' }],
  'a second one comes': [[get('2/s')], [get('2/s'), get('1/s')], { get: 'loosened' }],
  'two become one of as much': [[get('2/s'), get('2/s')], [get('4/s')], { get: 'loosened' }],
  'one becomes two that come to as much': [[get('4/s')], [get('2/s'), get('2/s')], { get: 'tightened' }],
  'more at once and less in the long run': [[get('1/s')], [get('2/min')], { get: 'altered' }],
  'beside a way without a rate there is none': [[get(undefined), get('2/s')], [get(undefined)], {}],
  'one that allowed it without a rate goes': [
    [get(undefined), get('2/s')],
    [get('2/s')],
    { get: 'tightened' },
  ],
  'where one without a rate holds it says nothing': [
    [get(undefined, from('office')), get('2/s', from('office', 'vpn'))],
    [get(undefined, from('office')), get('2/s', from('vpn'))],
    {},
  ],
  'for what values one without a rate holds it says nothing': [
    [get(undefined, tenants('acme')), get('2/s', tenants('acme', 'beta'))],
    [get(undefined, tenants('acme')), get('2/s', tenants('beta'))],
    {},
  ],
  'each value has its own': [
    [get('2/s', tenants('acme', 'beta'))],
    [get('2/s', tenants('acme')), get('2/s', tenants('beta'))],
    { get: 'loosened' },
  ],
  'two networks share one': [
    [get('2/s', from('office')), get('2/s', from('vpn'))],
    [get('2/s', from('office', 'vpn'))],
    { get: 'tightened' },
  ],
  'from anywhere, and less for each': [
    [get('2/s', from('office')), get('2/s', from('vpn'))],
    [get('2/s')],
    { get: 'altered' },
  ],
  'from anywhere, and enough for all': [
    [get('2/s', from('office')), get('2/s', from('vpn'))],
    [get('4/s')],
    { get: 'loosened' },
  ],
  'one of two lasts longer': [
    [get('2/s', { expires: 100 }), get('2/s')],
    [get('2/s'), get('2/s')],
    { get: 'extended' },
  ],
  'one of two ends': [
    [get('2/s'), get('2/s')],
    [get('2/s', { expires: 100 }), get('2/s')],
    { get: 'shortened' },
  ],
  'one rate for two becomes one for each': [
    [get('2/s', both)],
    [get('2/s'), get('2/s', { operations: ['list'] })],
    { get: 'loosened', list: 'loosened' },
  ],
  'two rates become one for both': [
    [get('2/s'), get('2/s', { operations: ['list'] })],
    [get('2/s', both)],
    { get: 'tightened', list: 'tightened' },
  ],
  'an operation that goes and one that comes': [
    [get('2/s', both)],
    [get('2/s', { operations: ['get', 'make'] })],
    { list: 'loses', make: 'gains' },
  ],
  'the order of two that share otherwise': [
    [get('2/s', both), get('2/s', { operations: ['get', 'make'] })],
    [get('2/s', { operations: ['get', 'make'] }), get('2/s', both)],
    { get: 'altered' },
  ],
  'the order of two that never meet': [
    [get('2/s', tenants('acme')), get('2/s', tenants('beta'))],
    [get('2/s', tenants('beta')), get('2/s', tenants('acme'))],
    {},
  ],
  'the order of two that meet for one of their values': [
    [get('2/s', tenants('acme', 'beta')), get('2/s', tenants('acme'))],
    [get('2/s', tenants('acme')), get('2/s', tenants('acme', 'beta'))],
    { get: 'altered' },
  ],
  'from one of two networks no more': [
    [get('2/s', from('office', 'vpn'))],
    [get('2/s', from('office'))],
    { get: 'tightened' },
  ],
  'the order of the names of two that differ': [[get('1/s'), get('4/s')], [get('4/s'), get('1/s')], {}],
};

for (const [name, [before, after, expected]] of Object.entries(cases))
  test(`of rates: ${name}`, () => {
    const [was, is] = [named(before), named(after)];
    const changes = compared(was, is);
    assert.deepEqual(
      Object.fromEntries(changes.flatMap(({ kind, operations }) => operations.map((one) => [one, kind]))),
      expected,
    );
    if (![...was, ...is].some(({ rate }) => rate?.endsWith('min')))
      assert.equal(difference(was, is, requests) === null, changes.length === 0);
  });

test('a rate on which two operations draw says which, and one of a single operation does not', () => {
  const [change] = compared(
    named([get('2/s'), get('2/s', { operations: ['list'] })]),
    named([get('2/s', both)]),
  );
  const { before = [], after = [] } = change?.conditions ?? {};
  assert.deepEqual(
    [before, after].map((all) => all.map(({ together }) => together)),
    [[undefined], [['get', 'list']]],
  );
});

test('of two ways the same is told, whatever the grants are called', () => {
  const ways = [get(undefined, from('office')), get(undefined, tenants('acme'))];
  const [one, other] = [ways, ways.toReversed()].map((all) => compared(named(all), named([get('2/s')])));
  assert.deepEqual(one, other);
});

test('what is whole again soonest is taken from first, whatever the grants are called', async () => {
  const [minute, hour] = [get('1/min'), get('2/h')];
  const asked = requests.find(({ operation }) => operation === 'get');
  assert.ok(asked);
  const minutes = [0, 240, 240, 240, 0, 0, 0].map((gap) => ({ gap, asked }));
  const passed = [true, true, true, true, true, true, false];
  for (const [one, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const grants = [
      { ...minute, id: one },
      { ...hour, id: other },
    ];
    assert.deepEqual(await answers(grants, minutes), passed);
  }
});

test("a rate that lets through what the API's own does is as none, where it is so before and after", async () => {
  const kinds = (rates: readonly (string | undefined)[], before: Grants, after: Grants) =>
    compareAccess({ name: 'orders', rates }, held(named(before)), held(named(after)), null).map(
      ({ kind }) => kind,
    );
  assert.deepEqual(kinds(['2/s', '2/s'], [get('4/s')], [get('2/s')]), []);
  assert.deepEqual(kinds(['2/s'], [get(undefined)], [get('2/s'), get('1/s')]), []);
  assert.deepEqual(kinds(['2/s'], [get('4/s')], [get('1/s')]), ['tightened']);
  assert.deepEqual(
    kinds(['60/min'], [get('4/s')], [get('2/s')]),
    ['tightened'],
    'it lets through less at once',
  );
  assert.deepEqual(kinds(['2/s', '4/s'], [get(undefined)], [get('2/s')]), ['tightened']);
  assert.deepEqual(kinds(['2/s', undefined], [get(undefined)], [get('4/s')]), ['tightened']);
  const own = requests.filter(({ operation }) => operation === 'get');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ gap: fc.nat(3), asked: fc.constantFrom(...own) }), { minLength: 20 }),
      async (steps) => {
        const [free, bound] = [named([get(undefined)]), named([get('1/s'), get('2/s')])];
        assert.deepEqual(await answers(bound, steps, '2/s'), await answers(free, steps, '2/s'));
      },
    ),
    { numRuns: 20 },
  );
});
