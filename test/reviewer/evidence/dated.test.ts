import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { keptOf } from '../_kept.ts';
import {
  access,
  asOfMs,
  base,
  daysAgo,
  type Files,
  found,
  grantEntry,
  logLines,
  organisationsOf,
  rules,
  uses,
} from '../_review.ts';

const test = suite('days that grants name');
const begin = organisationsOf(test);

const file = Object.keys(access([{ id: 'one' }]))[0] ?? '';
const okta = base['grants/directory/okta.yaml'] ?? '';
const one = (rest: string, principal = 'user:ann@example.com') =>
  ({ [file]: grantEntry({ id: 'one', principal, rest }) }) as Files;
const later = (principal?: string) => one(`role: reader\ngranted: ${daysAgo(0.5)}`, principal);
const answered = (at: string) =>
  one(`role: reader\nreview: { decision: keep, by: user:dana@example.com, at: ${at}, reason: Needed }`);
const strict = {
  'grants/review.yaml': rules.replace('brake: 1', 'brake: 1\n  high_access: { days: 9, days_others: 9 }'),
};
const synced = (days: number, text = okta): Files => ({
  'grants/directory/okta.yaml': text.replace('2026-11-23T03:00:00Z', daysAgo(days)),
});
const inUse = uses('one', ['get', 'list'], 3);

/** What is found after these states, each committed so many days before. */
async function after(
  [first, ...more]: readonly [days: number, files: Files][],
  used = inUse,
  files: Files = {},
) {
  const here = await begin([{ id: 'one' }], { ...files, ...first?.[1] });
  for (const [days, changes] of more) await here.commit(changes, daysAgo(days));
  await here.log(logLines(used, { days: 45 }));
  return found(await here.review({ kept: await keptOf(here.decisions, asOfMs) }));
}

test('a later day in the file does not make a grant any younger', async () => {
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [0.5, later()],
      ],
      [],
    ),
    ['one: never-used revoke'],
  );
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [0.5, later()],
      ],
      inUse,
      strict,
    ),
    ['one: high-access recertify'],
  );
  const twice: readonly [number, Files][] = [
    [40, {}],
    [20, one(`role: reader\ngranted: ${daysAgo(20)}`)],
    [0.5, later()],
  ];
  assert.deepEqual(await after(twice, []), ['one: never-used revoke']);
});

test('of whom it is given to anew, and of what was put back, the day is believed', async () => {
  const given = one(`role: reader\ngranted: ${daysAgo(0.5)}`, 'group:night');
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [0.5, given],
      ],
      inUse,
      strict,
    ),
    [],
  );
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [5, { [file]: null }],
        [0.5, later()],
      ],
      inUse,
      strict,
    ),
    [],
  );
});

test('nor does it bring back whom no directory knows, or whose login is another person’s', async () => {
  const cleo = 'user:cleo@example.com';
  const without = okta.replace(/ {2}- \{ login: cleo.*\n/, '');
  const gone: readonly [number, Files][] = [
    [40, { ...one('role: reader', cleo), ...synced(40) }],
    [10, synced(10, without)],
    [8, synced(8, without)],
    [0.5, later(cleo)],
  ];
  assert.match((await after(gone)).join(), /^one: orphan-missing revoke/);
  const another = okta.replace('00u1', '00u9');
  const taken: readonly [number, Files][] = [
    [40, synced(40)],
    [10, synced(10, another)],
    [0.5, later()],
  ];
  assert.match((await after(taken)).join(), /^one: orphan-missing revoke/);
});

test('nor does it hide that somebody moved since', async () => {
  const dana = 'user:dana@example.com';
  const moved = okta.replace('"group:night"]', `"group:night", "${dana}"]`).replace(`["${dana}"]`, '[]');
  const states: readonly [number, Files][] = [
    [40, { ...one('role: reader', dana), ...synced(40) }],
    [10, synced(10, moved)],
    [0.5, later(dana)],
  ];
  assert.deepEqual(await after(states), ['one: mover recertify']);
});

test('a day ahead is the day on which it was written', async () => {
  const ahead = '2099-01-01';
  const came: readonly [number, Files][] = [
    [40, { [file]: null }],
    [20, one(`role: reader\ngranted: ${ahead}`)],
  ];
  assert.deepEqual(await after(came, []), ['one: never-used revoke']);
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [0.5, one(`role: reader\ngranted: ${ahead}`)],
      ],
      [],
    ),
    ['one: never-used revoke'],
  );
  // Nor does what it says once that has served its purpose.
  const first: readonly [number, Files][] = [
    [40, { [file]: null }],
    [20, one(`role: reader\ngranted: ${ahead}`)],
    [0.5, later()],
  ];
  assert.deepEqual(await after(first, []), ['one: never-used revoke']);
  assert.deepEqual(
    await after(
      [
        [40, one(`role: reader\ngranted: ${ahead}`)],
        [0.5, later()],
      ],
      [],
    ),
    ['one: never-used revoke'],
  );
  const from = `${ahead}T00:00:00Z`;
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [20, answered(from)],
      ],
      inUse,
      strict,
    ),
    ['one: high-access recertify'],
  );
  assert.deepEqual(await after([[40, answered(from)]], inUse, strict), ['one: high-access recertify']);
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [5, answered(from)],
      ],
      inUse,
      strict,
    ),
    [],
  );
  assert.deepEqual(
    await after(
      [
        [40, {}],
        [20, answered(daysAgo(5))],
      ],
      inUse,
      strict,
    ),
    [],
  );
});
