import * as assert from 'node:assert/strict';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { answering, askedFirst, namesOf } from '../../../reviewer/asking/answering.ts';
import { answersFor } from '../../../reviewer/asking/answersFor.ts';
import { suite } from '../../_suite.ts';
import { base, place } from '../_review.ts';

const test = suite('whom a pull request asks');

type Person = { login: string; status?: 'active' | 'suspended'; github?: string | null; manager?: string };
/** People, the groups they are in, and who owns the API `orders`. */
const organisation = (
  people: readonly Person[],
  groups: Readonly<Record<string, readonly string[]>>,
  apiOwner = 'group:api',
) =>
  ({
    apis: new Map([['orders', { owner: apiOwner }]]),
    people: new Map(
      people.map(({ login, status = 'active', github = login, manager }) => [
        login,
        {
          login,
          id: login,
          provider: 'okta',
          status,
          ...(github && { github }),
          ...(manager && { manager }),
        },
      ]),
    ),
    memberships: new Map(Object.entries(groups)),
  }) as unknown as Organisation;
const asked = (owner: string, ...principals: string[]) => ({
  owner,
  entries: (principals.length === 0 ? ['service:x'] : principals).map((principal) => ({
    principal,
    api: 'orders',
  })),
});
const api = { login: 'zoe' };
const zoe = { 'user:zoe': ['group:api'] };

test('the people of the owner who can be asked, and nobody in their place', () => {
  const of = organisation([{ login: 'ann', manager: 'max' }, { login: 'max' }, api], {
    'user:ann': ['group:desk'],
    ...zoe,
  });
  assert.deepEqual(askedFirst(asked('group:desk'), of), { who: 'owners', names: ['ann'] });
  assert.deepEqual(askedFirst(asked('user:ann'), of), { who: 'owners', names: ['ann'] });
  // In their place others count where it is about access alone, and never one of themselves.
  const counts = (entries?: Parameters<typeof answersFor>[2]) =>
    ['ANN', 'max', 'zoe'].filter(answersFor('group:desk', of, entries));
  assert.deepEqual([counts(), counts(asked('').entries)], [['ANN'], ['ANN', 'max', 'zoe']]);
  // Nor does anybody hold up what is about their own access, and nothing else.
  assert.deepEqual(counts(asked('', 'user:Ann', 'user:ann').entries), ['max', 'zoe']);
  for (const others of [
    ['user:ann', 'service:x'],
    ['service:x', 'user:ann'],
  ])
    assert.deepEqual(counts(asked('', ...others).entries), ['ANN', 'max', 'zoe']);
  assert.deepEqual(counts(asked('', 'user:ann', 'group:none').entries), ['ANN', 'max', 'zoe']);
  const both = organisation([{ login: 'ann', manager: 'max' }, { login: 'max' }], {
    'user:ann': ['group:desk'],
    'user:max': ['group:desk'],
  });
  assert.deepEqual(answering('managers', asked('group:desk'), both), []);
});

test('who is gone, has no name on the forge, or is judged alone is no one to ask: whom they report to is', () => {
  const absent: readonly [string, Person][] = [
    ['not active', { login: 'ann', status: 'suspended', manager: 'max' }],
    ['no name', { login: 'ann', github: null, manager: 'max' }],
  ];
  for (const [why, ann] of absent) {
    const of = organisation([ann, { login: 'max' }, api], { 'user:ann': ['group:desk'], ...zoe });
    assert.deepEqual(askedFirst(asked('group:desk'), of), { who: 'managers', names: ['max'] }, why);
    assert.deepEqual(askedFirst(asked('user:ann'), of), { who: 'managers', names: ['max'] }, why);
  }
  const of = organisation([{ login: 'ann', manager: 'max' }, { login: 'max' }, api], {
    'user:ann': ['group:desk'],
    ...zoe,
  });
  for (const principal of ['user:ann', 'user:ANN', 'group:desk'])
    assert.deepEqual(askedFirst(asked('group:desk', principal), of), { who: 'managers', names: ['max'] });
});

test('without a manager who can be asked, who answers for the API is; and nobody where there is nobody', () => {
  const gone = { login: 'ann', status: 'suspended' } as const;
  const groups = { 'user:ann': ['group:desk'], ...zoe };
  const last = { who: 'api-owners', names: ['zoe'] };
  assert.deepEqual(askedFirst(asked('group:desk'), organisation([gone, api], groups)), last);
  assert.deepEqual(askedFirst(asked('group:nobody'), organisation([gone, api], groups)), last);
  // A manager who is gone, or whose own access it is, is none either.
  const under = { ...gone, manager: 'max' };
  const max = { login: 'max', status: 'suspended' } as const;
  assert.deepEqual(askedFirst(asked('group:desk'), organisation([under, max, api], groups)), last);
  const held = organisation([under, { login: 'max' }, api], groups);
  assert.deepEqual(askedFirst(asked('group:desk', 'user:max'), held), last);
  assert.deepEqual(askedFirst(asked('group:desk', 'user:max', 'user:zoe'), held), {
    who: 'owners',
    names: [],
  });
});

test('of a large group those are found who can be asked, however many before them cannot', () => {
  const idle = Array.from({ length: 9 }, (_, i): Person => ({ login: `a${i}`, status: 'suspended' }));
  const of = organisation([...idle, { login: 'zed' }], {
    ...Object.fromEntries(idle.map(({ login }) => [`user:${login}`, ['group:desk']])),
    'service:bot': ['group:desk'],
    'user:zed': ['group:desk'],
  });
  assert.deepEqual(askedFirst(asked('group:desk'), of), { who: 'owners', names: ['zed'] });
  assert.deepEqual(namesOf(answering('owners', asked('group:desk'), of), of), ['zed']);
});

test('a manager is found however their login is written', async () => {
  const here = await place({
    'grants/directory/okta.yaml': (base['grants/directory/okta.yaml'] ?? '')
      .replace('id: 00u1, status: active', 'id: 00u1, status: suspended, manager: DANA@Example.com')
      .replace('id: 00u4, status: active', 'id: 00u4, status: active, github: dana'),
  });
  try {
    const { organisation: of, problems } = await load(await workingTree(here.root));
    assert.deepEqual(problems, []);
    assert.ok(of);
    assert.deepEqual(askedFirst(asked('user:ann@example.com'), of), { who: 'managers', names: ['dana'] });
  } finally {
    await here.remove();
  }
});
