import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { syncText } from '../../../reviewer/sync/syncText.ts';
import { suite } from '../../_suite.ts';
import { one, type World, withProviders, world } from './_sync.ts';

const test = suite('exported files, and sync.yaml');
withProviders(test);

/** A repository that syncs with exported files, the first provider's before the second's. */
function exported(): World & { put: (provider: string, people: string, groups?: string) => void } {
  const here = world('okta');
  const put = (provider: string, people: string, groups = `${provider},${people.split(',')[0]}\n`) => {
    writeFileSync(join(here.root, `${provider}.csv`), `login,id\n${people}`);
    writeFileSync(join(here.root, `${provider}-groups.csv`), `group,member\n${groups}`);
  };
  const entry = (name: string) =>
    `  - { provider: ${name}, kind: csv, shrink: 1, people_file: ${name}.csv, groups_file: ${name}-groups.csv }\n`;
  writeFileSync(join(here.root, 'sync.yaml'), `providers:\n${entry('first')}${entry('second')}`);
  return { ...here, put };
}

test('a login that two providers claim in one run is written for neither, and who moves between them is written for both', async () => {
  const here = exported();
  here.put('first', 'ann@example.com,1\n', 'billing,ann@example.com\n');
  here.put('second', 'bob@example.com,2\nAnn@example.com,9\n');
  await assert.rejects(here.run(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-invalid');
    assert.match(
      error.message,
      /the login "Ann@example.com" is given twice, first by first[^\n]*\nTake .* kept by hand, as `init`/,
    );
    return true;
  });
  assert.throws(() => readFileSync(join(here.root, 'grants/directory/first.yaml')), { code: 'ENOENT' });

  here.put('second', 'bob@example.com,2\n');
  assert.deepEqual(
    (await here.run()).map(({ due }) => due),
    [true, true],
  );
  here.put('first', 'cem@example.com,3\n', 'billing,cem@example.com\n');
  here.put('second', 'bob@example.com,2\nann@example.com,9\n');
  const moved = await here.run();
  assert.deepEqual(
    moved.map(({ changes: { came, left } }) => [came, left].map((some) => some.map(({ login }) => login))),
    [
      [['cem@example.com'], ['ann@example.com']],
      [['ann@example.com'], []],
    ],
  );
});

test('an exported account without a login or an id is told of, and ends nobody else’s sync', async () => {
  const here = exported();
  here.put('second', 'bob@example.com,2\n');
  here.put('first', 'ann@example.com,1\ncem@example.com,3\ndan@example.com,4\n');
  await here.run();
  here.put(
    'first',
    'ann@example.com,1\n,3\ndan@example.com,\neva@example.com,\n',
    'billing,ann@example.com\nbilling,\n',
  );
  const found = await one(here);
  assert.deepEqual(found.warnings, [
    'the account 3 is called "", and that is no login that a directory can hold: it stays as cem@example.com, suspended, until it is called otherwise at the provider',
    'an account without an id is called "dan@example.com", and its id is none that a directory can hold: it is left out until it is called otherwise at the provider',
    'an account without an id is called "eva@example.com", and its id is none that a directory can hold: it is left out until it is called otherwise at the provider',
  ]);
  assert.deepEqual(found.notes, ['1 row of first-groups.csv names no member']);
  assert.match(syncText(found), /cem@example\.com is suspended, was active\n/);
  assert.match(String(found.bytes), /billing\n {4}members:\n {6}- "user:ann@example\.com"\n/);
  // Of whom nothing is said nobody could be told.
  here.put('first', 'ann@example.com,1\n,\n');
  await assert.rejects(here.run(), /first\.csv, row 3: login and id must not both be empty/);
});

test('people of an exported file have an id each, and members of its groups are in it', async () => {
  const here = exported();
  here.put('second', 'bob@example.com,2\n');
  here.put('first', 'ann@example.com,1\ncem@example.com,1\n');
  await assert.rejects(here.run(), /first\.csv: two people have the id "1"/);
  here.put('first', 'ann@example.com,1\n', 'billing,service:robot\n');
  await assert.rejects(here.run(), /"service:robot" of "billing" is not in first\.csv/);
  here.put(
    'first',
    'ann@example.com,1\n',
    'billing,ann@example.com\nbilling,group:inner\ninner,user:ann@example.com\n',
  );
  assert.deepEqual(
    (await here.run()).map(({ groups }) => groups),
    [2, 1],
  );
});

test('a last sign-in that is no instant is named with its row, and one in a far year is left out', async () => {
  const here = exported();
  here.put('second', 'bob@example.com,2\n');
  here.put('first', 'ann@example.com,1\n');
  const people = (signIn: string) =>
    writeFileSync(join(here.root, 'first.csv'), `login,id,last_sign_in\nann@example.com,1,${signIn}\n`);
  people('yesterday');
  await assert.rejects(here.run(), /first\.csv, row 2: last_sign_in must be an instant .*, got "yesterday"/);
  people('+030828-09-14T02:48:05.477Z');
  assert.doesNotMatch(String((await one(here)).bytes), /last_sign_in/);
});

test('sync.yaml is checked with places, and holds no secret', async () => {
  const here = world('okta');
  const refused = async (text: string, expected: RegExp) => {
    writeFileSync(join(here.root, 'sync.yaml'), text);
    await assert.rejects(here.run(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'sync-config');
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  };
  const okta = (line: string) =>
    `providers:\n  - provider: okta\n    kind: okta\n    url: https://x.okta.com\n    ${line}\n`;
  await refused(okta('token: hunter2'), /sync.yaml:5:12: /);
  await refused(okta('tokn: { env: A }'), /sync.yaml:5:5: unknown key "tokn" \(did you mean "token"\?\)/);
  await refused(okta('groups: {}'), /needs either "token" or "client"/);
  await refused('providers: []\n', /must name at least one/);
  await refused(
    'providers:\n  - { provider: a, kind: scim, url: "http://scim.example.com", token: { env: A } }\n',
    /must be an https address/,
  );
  await refused(
    'providers:\n  - { provider: services, kind: scim, url: "https://scim.example.com", token: { env: A } }\n',
    /must not be "services"/,
  );
});
