import * as assert from 'node:assert/strict';
import type { ParamsLine } from '../../../bundle/data/grantLine.ts';
import type { Change } from '../../../bundle/diff/diffData.ts';
import type { RevisionDiff } from '../../../bundle/diff/diffRevisions.ts';
import { diffJson } from '../../../reviewer/diff/diffJson.ts';
import {
  changeLine,
  conditionsChanged,
  notesOf,
  summaryOf,
  verbOf,
} from '../../../reviewer/diff/diffRows.ts';
import { suite } from '../../_suite.ts';

const test = suite('a difference in words');

const side = (tenant: readonly string[], mfa: boolean) => [
  { networks: null, mfa, expires: null, params: { tenant } satisfies ParamsLine },
];
const change = (
  kind: Change['kind'],
  before: readonly string[],
  after: readonly string[],
  mfa = false,
): Change => ({
  ...{
    kind,
    api: 'orders',
    operations: ['getOrder'],
    group: null,
    members: 0,
    who: ['user:ann@example.com'],
  },
  before: [{ grant: 'ann-acme', through: 'user:ann@example.com' }],
  after: [{ grant: 'ann-acme', through: 'user:ann@example.com' }],
  conditions: { before: side(before, false), after: side(after, mfa) },
});
const none = {
  ...{ networks: [], operations: [], authentication: [], cors: [], facts: [], settings: [] },
  credentials: [],
};
const diffOf = (
  changes: readonly Change[],
  settings: RevisionDiff['heads']['settings'] = [],
): RevisionDiff => ({
  ...{ base: 'a', head: 'b', policiesChanged: false, directoryChanged: false, changes },
  ...{ grants: [], unknown: [], documents: [] },
  heads: { ...none, settings },
});
const told = (one: Change) => [changeLine(one), conditionsChanged(one), summaryOf(diffOf([one]))];

test('more values of a path parameter are a gain, and fewer a loss', () => {
  assert.deepEqual(told(change('loosened', ['acme'], ['acme', 'beta'])), [
    'user:ann@example.com gains, for more values, getOrder of orders (ann-acme)',
    'for tenant acme → for tenant acme or beta (tenant also beta)',
    '1 person gains access.',
  ]);
  assert.deepEqual(told(change('tightened', ['acme', 'beta'], ['acme'])), [
    'user:ann@example.com loses, for some values, getOrder of orders (ann-acme)',
    'for tenant acme or beta → for tenant acme (tenant no longer beta)',
    '1 person loses access.',
  ]);
});

test('what anybody loses or gains, for it was or is public, is named: it is not all that there is', () => {
  const open = (kind: Change['kind'], operations: string[], api = 'orders'): Change => ({
    ...{ ...change(kind, ['acme'], ['acme']), operations, api, who: ['anonymous'] },
  });
  assert.equal(
    summaryOf(diffOf([open('loses', ['getOrder'])])),
    'anybody, without a credential, loses getOrder of orders.',
  );
  assert.equal(
    summaryOf(
      diffOf([
        open('loses', ['getOrder', 'listOrders']),
        open('loses', ['list'], 'notes'),
        { ...change('loses', ['acme'], []), who: ['user:ann@example.com', 'user:bob@example.com'] },
        open('gains', ['ping']),
      ]),
    ),
    'anybody, without a credential, loses getOrder and listOrders of orders and list of notes; 2 people lose access; anybody, without a credential, gains ping of orders.',
  );
});

test('what asks for something else besides is kept on other terms', () => {
  assert.deepEqual(told(change('tightened', ['acme', 'beta'], ['acme'], true)), [
    'user:ann@example.com keeps, under stricter conditions, getOrder of orders (ann-acme)',
    'for tenant acme or beta, without a second factor → for tenant acme, with a second factor (tenant no longer beta)',
    '1 person keeps access on other terms.',
  ]);
});

test('an API that goes elsewhere, or takes less, is told', () => {
  const api = 'orders';
  assert.equal(summaryOf(diffOf([])), 'Nobody gains or loses access.');
  assert.equal(
    summaryOf(diffOf([], [{ api, setting: 'rate', before: null, after: '5/min' }])),
    'By grants nobody gains or loses access.',
  );
  assert.deepEqual(
    notesOf(
      diffOf(
        [],
        [
          { api, setting: 'rate', before: null, after: '5/min' },
          { api, setting: 'body', before: null, after: 2_000_000 },
          { api, setting: 'body', before: 512_000, after: 1_500_001 },
          { api, setting: 'route', before: { prefix: '/a' }, after: { prefix: '/b' } },
          { api, setting: 'upstream', before: 'http://a.example', after: 'http://b.example' },
        ],
      ),
    ),
    [
      'the rate of each caller of orders was any, is 5/min',
      'the largest body of a request to orders was what gateway.yaml says, is 2MB',
      'the largest body of a request to orders was 512kB, is 1500001 bytes',
      'route of orders was {"prefix":"/a"}, is {"prefix":"/b"}',
      'upstream of orders was http://a.example, is http://b.example',
    ],
  );
});

test('programs are told the rate that a change is about', () => {
  const one = change('tightened', ['acme'], ['acme']);
  const held = { networks: null, mfa: false, expires: null };
  const conditions = { before: [held], after: [{ ...held, rate: '10/min' }] };
  const { changes } = diffJson(diffOf([{ ...one, conditions }])) as { changes: { terms: unknown }[] };
  assert.deepEqual(
    changes.map(({ terms }) => terms),
    [conditions],
  );
});

test('rates are told by what they come to, and by what they count together', () => {
  const held = { networks: null, mfa: false, expires: null };
  const of = (kind: Change['kind'], before: Change['conditions']['before'], after: typeof before) => {
    const one = { ...change(kind, [], []), conditions: { before, after } };
    return [verbOf(one), conditionsChanged(one)];
  };
  const ten = { ...held, rate: '10/min' };
  assert.deepEqual(of('tightened', [ten, ten], [ten]), [
    ...['keeps, less often,', 'at most 20/min in all by 2 grants → at most 10/min'],
  ]);
  assert.deepEqual(of('loosened', [ten], [held]), [
    ...['keeps, more often,', 'at most 10/min → as often as the API lets everybody'],
  ]);
  assert.deepEqual(of('loosened', [ten], [ten, { ...held, rate: '100/h' }]), [
    ...['keeps, more often,', 'at most 10/min → at most 10/min and 100/h in all by 2 grants'],
  ]);
  const together = ['getOrder', 'listOrders'];
  assert.deepEqual(of('loosened', [{ ...ten, together }], [ten]), [
    'keeps, more often,',
    'at most 10/min for getOrder and listOrders together → at most 10/min',
  ]);
  const office = { ...held, networks: ['office'] };
  assert.deepEqual(of('tightened', [office, ten, { ...ten, networks: ['vpn'] }], [office]), [
    'keeps, under stricter conditions,',
    'from office; else anywhere, at most 10/min; and from vpn, at most 10/min → from office',
  ]);
  assert.deepEqual(of('altered', [office], [{ ...ten, mfa: true }]), [
    'keeps, on other terms,',
    'from office, without a second factor, as often as the API lets everybody → anywhere, with a second factor, at most 10/min',
  ]);
});

test('a grant that changed is told beside the rows only where it stands in none', () => {
  const changed = (grant: string, what: RevisionDiff['grants'][number]['what']) =>
    ({ grant, change: 'changed', api: 'orders', principal: 'user:ann@example.com', what }) as const;
  const one = change('tightened', ['acme', 'beta'], ['acme']);
  const grants = [changed('ann-acme', ['rate']), changed('other', ['rate']), changed('third', ['suspended'])];
  assert.deepEqual(notesOf({ ...diffOf([one]), grants }), [
    'by the directory, nobody gains or loses by other (changed) and third (suspended)',
  ]);
});

test('where grants or accounts changed that access goes on without, that is said of the directory alone: tokens may tell more', () => {
  const change = {
    grant: 'g',
    change: 'removed',
    api: 'orders',
    principal: 'group:token',
    what: [],
  } as const;
  const by = 'By the directory nobody gains or loses access.';
  assert.equal(summaryOf({ ...diffOf([]), grants: [change] }), by);
  assert.equal(summaryOf({ ...diffOf([]), directoryChanged: true }), by);
  assert.equal(
    summaryOf({ ...diffOf([]), directoryChanged: true, policiesChanged: true }),
    'By grants and the directory nobody gains or loses access.',
  );
  const unknown = [{ principal: 'group:token', grants: ['g'] }];
  assert.deepEqual(notesOf({ ...diffOf([]), unknown }), [
    'no directory has anybody in group:token: g gives nobody anything, unless groups come with tokens',
  ]);
});

test("where rules of one's own decide, a difference says that they may look at more than it does", () => {
  const own = { ...diffOf([]), ownPolicies: true };
  assert.deepEqual([summaryOf(own), notesOf(own)], ['Nobody gains or loses access.', []]);
  const moved = { ...own, directoryChanged: true };
  assert.equal(summaryOf(moved), 'By grants and the directory nobody gains or loses access.');
  assert.match(notesOf(moved).join(), /^rules of your own \(policies\/authz\) decide here/);
  assert.match(notesOf({ ...own, changes: [change('loosened', ['a'], ['b'])] }).join(), /^rules of your own/);
  assert.doesNotMatch(notesOf({ ...moved, policiesChanged: true }).join(), /rules of your own/);
});

test('where addresses of a network or credentials changed, that nobody loses access is said of grants alone', () => {
  const heads = {
    ...none,
    networks: [{ network: 'office', before: ['192.0.2.0/24'], after: null, grants: [] }],
  };
  assert.equal(summaryOf({ ...diffOf([]), heads }), 'By grants nobody gains or loses access.');
  const told = (grants: string[]) =>
    notesOf({
      ...diffOf([]),
      heads: { ...heads, networks: heads.networks.map((one) => ({ ...one, grants })) },
    });
  const was = 'the network office was 192.0.2.0/24, is nothing;';
  assert.deepEqual(told([]), [`${was} no live grant asks for it`]);
  assert.deepEqual(told(['a', 'b']), [`${was} asked for by a and b`]);
  assert.deepEqual(told(['a', 'b', 'c', 'd', 'e', 'f', 'g']), [
    `${was} asked for by a, b, c, d, e and 2 more`,
  ]);
});
