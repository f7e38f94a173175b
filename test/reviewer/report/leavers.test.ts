import * as assert from 'node:assert/strict';
import { renderDirectory } from '../../../bundle/directory/renderDirectory.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { leavers } from '../../../reviewer/report/leavers.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, daysAgo, place } from '../_review.ts';

const test = suite('leavers');
const directory = 'grants/directory/okta.yaml';
const person = (login: string, status = 'active') => ({ login, id: login, status });
const sync = (days: number, people: ReturnType<typeof person>[], complete = true) =>
  String(renderDirectory({ provider: 'okta', synced: daysAgo(days), complete, people, groups: [] }));
const [ann, bob, cleo] = [person('ann@example.com'), person('bob@example.com'), person('Cleo@example.com')];

test('nobody was told after it took effect: what was changed by hand says itself when that was', async () => {
  const here = await place(access([]));
  try {
    for (const [days, text] of [
      [9, sync(9, [ann, bob, cleo])],
      // In a night of an incident, over what was read four days before.
      [5, sync(9, [ann, person('bob@example.com', 'suspended'), cleo])],
      // By a clock that is ahead.
      [4, sync(3, [person('bob@example.com', 'suspended'), cleo])],
    ] as const)
      await here.commit({ [directory]: text }, daysAgo(days));
    const found = await leavers(await gitTree(here.root, 'HEAD'), {
      from: asOfMs / 1000 - 8.5 * 86_400,
      to: asOfMs / 1000,
    });
    assert.deepEqual(
      found.map(({ login, toldAt, at }) => [login, at - toldAt]),
      [
        ['bob@example.com', 0],
        ['ann@example.com', 0],
      ],
    );
  } finally {
    await here.remove();
  }
});

test('whoever was active and is not is named once, when the provider first said so', async () => {
  const here = await place(access([]));
  try {
    const steps: [days: number, text: string][] = [
      [9, sync(9, [ann, bob, cleo])],
      [8, sync(8, [person('ann@example.com', 'suspended')], false)],
      // Nobody enforces a file that is broken, and nobody left by it.
      [7, `${sync(7, [ann])}people: 7\n`],
      // As a person writes it, in another order and another case.
      [
        6,
        `people:\n  - { id: '3', login: cleo@example.com, status: active }\n  - { id: '1', login: ann@example.com, status: suspended }\ngroups: []\nprovider: okta\nsynced: ${daysAgo(6)}\ncomplete: true\n`,
      ],
      [5, sync(5, [cleo])],
      [0.5, sync(0.5, [])],
    ];
    for (const [days, text] of steps) await here.commit({ [directory]: text }, daysAgo(days));
    const period = { from: asOfMs / 1000 - 8.5 * 86_400, to: asOfMs / 1000 - 86_400 };
    const found = await leavers(await gitTree(here.root, 'HEAD'), period);
    const told = (days: number) => asOfMs / 1000 - days * 86_400;
    assert.deepEqual(
      found.map(({ login, provider, now, toldAt }) => [login, provider, now, toldAt]),
      [
        ['ann@example.com', 'okta', 'suspended', told(8)],
        ['bob@example.com', 'okta', 'gone', told(6)],
      ],
    );
  } finally {
    await here.remove();
  }
});

test('whoever is called otherwise since, or moved to another provider, has not left', async () => {
  const here = await place(access([]));
  const other = (people: ReturnType<typeof person>[]) =>
    String(renderDirectory({ provider: 'entra', synced: daysAgo(6), complete: true, people, groups: [] }));
  try {
    for (const [days, files] of [
      [9, { [directory]: sync(9, [ann, bob, cleo]) }],
      // ann is married.
      [7, { [directory]: sync(7, [{ ...ann, login: 'ann.smith@example.com' }, bob, cleo]) }],
      [
        6,
        {
          [directory]: sync(6, [bob]),
          'grants/directory/entra.yaml': other([cleo, person('dana@example.com')]),
        },
      ],
    ] as const)
      await here.commit(files, daysAgo(days));
    const found = await leavers(await gitTree(here.root, 'HEAD'), {
      from: asOfMs / 1000 - 8.5 * 86_400,
      to: asOfMs / 1000,
    });
    assert.deepEqual(
      found.map(({ login, now }) => [login, now]),
      [['ann.smith@example.com', 'gone']],
    );
  } finally {
    await here.remove();
  }
});
