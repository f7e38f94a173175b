import * as assert from 'node:assert/strict';
import type { Change } from '../../../bundle/diff/diffData.ts';
import type { RevisionDiff } from '../../../bundle/diff/diffRevisions.ts';
import type { ParamsLine } from '../../../bundle/format/grantLine.ts';
import { diffJson } from '../../../reviewer/diff/diffJson.ts';
import { changeLine, conditionsChanged, notesOf, summaryOf } from '../../../reviewer/diff/diffRows.ts';
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
  ...{ base: 'a', head: 'b', policiesChanged: false, changes, grants: [], unknown: [], documents: [] },
  heads: { ...none, settings },
});
const told = (one: Change) => [changeLine(one), conditionsChanged(one), summaryOf(diffOf([one]))];

test('more values of a path parameter are a gain, and fewer a loss', () => {
  assert.deepEqual(told(change('loosened', ['acme'], ['acme', 'beta'])), [
    'user:ann@example.com gains, for more values, getOrder of orders (ann-acme)',
    'for tenant acme, anywhere → for tenant acme or beta, anywhere (tenant also beta)',
    '1 person gains access.',
  ]);
  assert.deepEqual(told(change('tightened', ['acme', 'beta'], ['acme'])), [
    'user:ann@example.com loses, for some values, getOrder of orders (ann-acme)',
    'for tenant acme or beta, anywhere → for tenant acme, anywhere (tenant no longer beta)',
    '1 person loses access.',
  ]);
});

test('what asks for something else besides is kept on other terms', () => {
  assert.deepEqual(told(change('tightened', ['acme', 'beta'], ['acme'], true)), [
    'user:ann@example.com keeps, under stricter conditions, getOrder of orders (ann-acme)',
    'for tenant acme or beta, anywhere → for tenant acme, anywhere, with a second factor (tenant no longer beta)',
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
          { api, setting: 'route', before: { prefix: '/a' }, after: { prefix: '/b' } },
          { api, setting: 'upstream', before: 'http://a.example', after: 'http://b.example' },
        ],
      ),
    ),
    [
      'rate of orders was not set, is 5/min',
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
