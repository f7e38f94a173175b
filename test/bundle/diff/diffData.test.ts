import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { changedLines } from '../../../bundle/data/changedLines.ts';
import { dataSections, nothing } from '../../../bundle/data/dataSections.ts';
import type { GrantLine, ParamsLine } from '../../../bundle/data/grantLine.ts';
import { type Change, diffData } from '../../../bundle/diff/diffData.ts';
import { suite } from '../../_suite.ts';
import { apis, bytes, type Document, grant, groups, member, networks, operations } from './_diffData.ts';

const test = suite('diffData');

const people = ['user:ann', 'user:ann2', 'user:bob', 'user:cleo', 'service:bot'];
const tenants = ['acme', 'beta'];
/** What a request may have: values that are named somewhere, one that no grant names, and the caller's own. */
const requests = [...tenants, 'other'].flatMap((tenant) =>
  ['eu', 'us', 'elsewhere', 'mine'].map((region) => ({ tenant, region })),
);

const documents: fc.Arbitrary<Document> = fc
  .record({
    grants: fc.array(
      fc.record({
        api: fc.constantFrom(...apis),
        principal: fc.constantFrom(...groups, ...people, 'user:stranger'),
        operations: fc.subarray(operations, { minLength: 1 }),
        expires: fc.constantFrom(undefined, undefined, 100, 200),
        suspended: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
        mfa: fc.boolean(),
        networks: fc.option(fc.subarray(networks, { minLength: 1 }), { nil: undefined }),
        conditional: fc.boolean(),
        params: fc.option(
          fc.record(
            {
              tenant: fc.subarray(tenants, { minLength: 1 }),
              region: fc.oneof(fc.subarray(['eu', 'us'], { minLength: 1 }), fc.constant({ claim: 'home' })),
            },
            { requiredKeys: [] },
          ),
          { nil: undefined },
        ),
      }),
      { maxLength: 12 },
    ),
    principals: fc.record(
      Object.fromEntries(
        people.map((name) => [
          name,
          fc.record({
            active: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
            groups: fc.subarray(groups),
          }),
        ]),
      ),
      { requiredKeys: [] },
    ),
  })
  .map(({ grants, principals }) => {
    const held: Document['grants'] = {};
    grants.forEach((one, index) => {
      held[one.api] ??= {};
      const ofApi = held[one.api] ?? {};
      ofApi[one.principal] ??= [];
      const asked = {
        ...(one.mfa ? { mfa: true as const } : {}),
        ...(one.networks === undefined ? {} : { networks: one.networks }),
        ...(one.params === undefined ? {} : { params: one.params }),
      };
      ofApi[one.principal]?.push({
        ...(one.conditional && Object.keys(asked).length > 0 ? { conditions: asked } : {}),
        ...(one.expires === undefined ? {} : { expires: one.expires }),
        id: `g-${String(index).padStart(2, '0')}`,
        operations: one.operations,
        ...(one.suspended ? { state: 'suspended' as const } : {}),
      });
    });
    return { grants: held, principals: principals as Document['principals'] };
  });

/** Two documents, of which the second is the first with some of it taken from a third, as merges mostly are. */
const pairs = fc
  .record({
    before: documents,
    other: documents,
    keepGrants: fc.subarray(apis),
    keepPeople: fc.subarray(people),
  })
  .map(({ before, other, keepGrants, keepPeople }) => {
    const mix = <T>(old: Record<string, T>, now: Record<string, T>, kept: readonly string[]) => {
      const mixed = { ...now };
      for (const name of kept) {
        delete mixed[name];
        if (old[name] !== undefined) mixed[name] = old[name];
      }
      return mixed;
    };
    const after = {
      grants: mix(before.grants, other.grants, keepGrants),
      principals: mix(before.principals, other.principals, keepPeople),
    };
    return { before, after };
  });

const contexts = (at: number | null) =>
  [[], ['office'], ['vpn'], networks].flatMap((present) =>
    [false, true].flatMap((mfa) =>
      [0, 100, 200].filter((time) => time >= (at ?? 0)).map((time) => ({ present, mfa, time })),
    ),
  );

/** Every request that each person may make, tried one by one: `PERSON API OPERATION` → the contexts it is allowed in. */
function allowed({ grants, principals }: Document, at: number | null): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [name, { active, groups: theirs }] of Object.entries(principals))
    for (const [api, ofApi] of Object.entries(grants))
      for (const holder of active ? [name, ...theirs] : [])
        for (const { operations: given, conditions, expires, state } of ofApi[holder] ?? [])
          for (const { present, mfa, time } of contexts(at)) {
            if (state === 'suspended' || time >= (expires ?? Number.POSITIVE_INFINITY)) continue;
            if (conditions?.mfa === true && !mfa) continue;
            const wanted = conditions?.networks;
            if (wanted !== undefined && !wanted.some((network) => present.includes(network))) continue;
            for (const { tenant, region } of requests) {
              const { params = {} } = conditions ?? {};
              if (!fits(params.tenant, tenant) || !fits(params.region, region)) continue;
              for (const operation of given) {
                const key = `${name} ${api} ${operation}`;
                const context = JSON.stringify([tenant, region, present, mfa, time]);
                found.set(key, (found.get(key) ?? new Set()).add(context));
              }
            }
          }
  return found;
}

const fits = (wanted: ParamsLine[string] | undefined, value: string) =>
  wanted === undefined || ('claim' in wanted ? value === 'mine' : wanted.includes(value));

const withoutTime = (all: Set<string>) => new Set([...all].map((one) => one.replace(/,\d+\]$/, ']')));

function naive(before: Document, after: Document, at: number | null): Record<string, string> {
  const [old, now] = [allowed(before, at), allowed(after, at)];
  const verdicts: Record<string, string> = {};
  for (const key of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(key) ?? new Set<string>(), now.get(key) ?? new Set<string>()];
    const [kept, grown] = [was.isSubsetOf(is), !is.isSubsetOf(was)];
    if (kept && !grown) continue;
    const alike = withoutTime(was).symmetricDifference(withoutTime(is)).size === 0;
    verdicts[key] =
      was.size === 0
        ? 'gains'
        : is.size === 0
          ? 'loses'
          : !kept && grown
            ? 'altered'
            : alike
              ? grown
                ? 'extended'
                : 'shortened'
              : grown
                ? 'loosened'
                : 'tightened';
  }
  return verdicts;
}

function flat(changes: readonly Change[]): Record<string, string> {
  const verdicts: [string, string][] = changes.flatMap(({ kind, api, operations: all, who }) =>
    who.flatMap((name) => all.map((operation): [string, string] => [`${name} ${api} ${operation}`, kind])),
  );
  assert.equal(new Set(verdicts.map(([key]) => key)).size, verdicts.length, 'nothing is told twice');
  return Object.fromEntries(verdicts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

for (const at of [null, 100])
  test(`finds what trying every request on both sides finds, ${at === null ? 'with no clock' : 'at an instant'}`, () => {
    fc.assert(
      fc.property(pairs, ({ before, after }) => {
        const { changes } = diffData(bytes(before), bytes(after), { at });
        assert.deepEqual(flat(changes), naive(before, after, at));
      }),
      { numRuns: 120 },
    );
  });

test('the grants and members it names are the ones that gave, and that give', () => {
  fc.assert(
    fc.property(pairs, ({ before, after }) => {
      for (const change of diffData(bytes(before), bytes(after), { at: null }).changes) {
        const side = change.kind === 'loses' ? before : after;
        for (const { ways, of } of [
          { ways: change.before, of: before },
          { ways: change.after, of: after },
        ])
          for (const { grant, through } of ways) {
            const found = of.grants[change.api]?.[through]?.find(({ id }) => id === grant);
            assert.ok(found !== undefined && found.state === undefined);
            assert.ok(change.operations.every((operation) => found.operations.includes(operation)));
            if (through.startsWith('group:'))
              for (const name of change.who) assert.ok(of.principals[name]?.groups.includes(through));
          }
        const { group } = change;
        const members = Object.values(side.principals).filter(
          ({ active, groups: theirs }) => active && group !== null && theirs.includes(group),
        );
        assert.equal(change.members, members.length);
      }
    }),
    { numRuns: 100 },
  );
});

test('walks two sections side by side and shows exactly the lines that differ', () => {
  const section = fc.dictionary(fc.stringMatching(/^[a-z.@+-]{1,6}$/), fc.integer({ min: 1, max: 3 }), {
    maxKeys: 200,
  });
  const buffer = (entries: Record<string, number>) =>
    bytes({
      grants: {
        orders: Object.fromEntries(
          Object.entries(entries).map(([key, value]) => [
            `user:${key}`,
            [{ id: 'x'.repeat(value * 150), operations: [] }],
          ]),
        ),
      },
      principals: {},
    });
  fc.assert(
    fc.property(section, section, fc.boolean(), (one, two, near) => {
      const other = near ? { ...one, ...Object.fromEntries(Object.entries(two).slice(0, 2)) } : two;
      const sides = [buffer(one), buffer(other)].map((data) => ({
        data,
        section: dataSections(data).grants.get('orders') ?? nothing,
      }));
      const seen: string[] = [];
      const [left, right] = sides as [(typeof sides)[0], (typeof sides)[0]];
      changedLines(left, right, (key, before, after) => {
        assert.equal(before === null, !Object.hasOwn(one, key.slice(5)));
        assert.equal(after === null, !Object.hasOwn(other, key.slice(5)));
        seen.push(key.slice(5));
      });
      const differing = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
        (key) => one[key] !== other[key],
      );
      assert.deepEqual(seen, differing.sort());
    }),
    { numRuns: 200 },
  );
});

test('who keeps an operation by another grant neither loses nor gains it', () => {
  const principals = { 'user:ann': member('group:a'), 'user:bob': member('group:a') };
  const before = {
    grants: { orders: { 'group:a': [grant('a-get')], 'user:ann': [grant('ann-get')] } },
    principals,
  };
  const after = { grants: { orders: { 'user:ann': [grant('ann-get')] } }, principals };
  const { changes, grants } = diffData(bytes(before), bytes(after), { at: null });
  assert.deepEqual(
    changes.map(({ kind, who, group, members }) => [kind, who, group, members]),
    [['loses', ['user:bob'], 'group:a', 2]],
  );
  assert.deepEqual(grants, [
    { grant: 'a-get', change: 'removed', api: 'orders', principal: 'group:a', what: [] },
  ]);
});

test('rates of one caller add up, also those that come through a group', () => {
  const principals = { 'user:ann': member('group:a'), 'user:bob': member('group:a') };
  const own = grant('ann-get', { rate: '10/min' });
  const side = (held: Record<string, GrantLine[]>) => bytes({ grants: { orders: held }, principals });
  const before = side({ 'group:a': [grant('a-get', { rate: '10/min' })], 'user:ann': [own] });
  const after = side({ 'group:a': [grant('a-get', { rate: '10/min' })] });
  const rates = (all: readonly { rate?: string }[]) => all.map(({ rate }) => rate);
  const told = (from: Buffer, to: Buffer) =>
    diffData(from, to, { at: null }).changes.map(({ kind, who, conditions }) => [
      ...[kind, who, rates(conditions.before), rates(conditions.after)],
    ]);
  assert.deepEqual(told(before, after), [['tightened', ['user:ann'], ['10/min', '10/min'], ['10/min']]]);
  assert.deepEqual(told(after, before), [['loosened', ['user:ann'], ['10/min'], ['10/min', '10/min']]]);
});

test('a person who leaves a group, is closed, or appears, is told as themselves', () => {
  const grants = {
    orders: { 'group:a': [grant('a-get')], 'user:ann': [grant('ann-make', { operations: ['make'] })] },
  };
  const before = { grants, principals: { 'user:ann': member('group:a'), 'user:bob': member('group:a') } };
  const after = {
    grants,
    principals: {
      'user:ann': { active: false, groups: ['group:a'] },
      'user:bob': member(),
      'user:cleo': member('group:a'),
    },
  };
  const { changes, grants: changed } = diffData(bytes(before), bytes(after), { at: null });
  assert.deepEqual(changed, []);
  assert.deepEqual(
    changes.map(({ kind, who, operations: what }) => [kind, who, what]),
    [
      ['loses', ['user:ann', 'user:bob'], ['get']],
      ['loses', ['user:ann'], ['make']],
      ['gains', ['user:cleo'], ['get']],
    ],
  );
});

test('refuses what is no data.json in line form', () => {
  const good = bytes({ grants: { orders: { 'user:ann': [grant('x')] } }, principals: {} });
  for (const bad of [
    Buffer.from('{}'),
    good.subarray(0, good.length - 20),
    Buffer.from(JSON.stringify(JSON.parse(good.toString()))),
  ])
    assert.throws(() => diffData(good, bad, { at: null }), { code: 'data-malformed' });
});
