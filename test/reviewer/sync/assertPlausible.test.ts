import * as assert from 'node:assert/strict';
import type { DirectoryFile } from '../../../bundle/grants/schema.ts';
import { assertPlausible } from '../../../reviewer/sync/assertPlausible.ts';
import { suite } from '../../_suite.ts';

const test = suite('plausible');

const logins = (count: number) => Array.from({ length: count }, (_, i) => `p${i}@example.com`);
/** A directory of so many people, and groups by the numbers of their members. */
function directory(count: number, groups: Record<string, readonly string[]> = {}, closed = 0): DirectoryFile {
  return {
    provider: 'okta',
    synced: '2026-11-23T12:00:00Z',
    complete: true,
    people: logins(count).map((login, i) => ({
      ...{ login, id: `00u${i}` },
      status: i < count - closed ? 'active' : 'suspended',
    })),
    groups: Object.entries(groups).map(([name, members]) => ({
      name,
      members: members.map((login) => `user:${login}`),
    })),
  };
}
const refused = (before: DirectoryFile, after: DirectoryFile, share: number, expected: RegExp) =>
  assert.throws(
    () => assertPlausible(before, after, share),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'sync-shrunk');
      assert.match(error.message, expected);
      return true;
    },
  );

test('of few people two may be missing, and not all but one', () => {
  assertPlausible(directory(6), directory(4), 0.1);
  assertPlausible(directory(2), directory(2, {}, 2), 0.1);
  refused(directory(6), directory(3), 0.1, /3 of the 6 before are not among them \(at most 2 is/);
  refused(directory(6), directory(6, {}, 5), 0.1, /5 of the 6 before/);
  assertPlausible(directory(6), directory(1), 1);
  // As many others are not the same.
  const others = directory(6);
  for (const person of others.people) person.id = `x${person.id}`;
  refused(directory(6), others, 0.1, /6 active people, and 6 of the 6 before are not among them/);
  // Whoever says none means none.
  refused(directory(6), directory(5), 0, /1 of the 6 before/);
});

test('what is missing for a name that no directory can hold is named as a cause', () => {
  const message = (unusable: readonly string[]) => {
    try {
      assertPlausible(directory(6), directory(6, {}, 5), 0.1, unusable);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.doesNotMatch(message([]), /\n/);
  assert.match(
    message(['the account 1\u001b is called ""', 'two', 'three', 'four']),
    /set "shrink" for this run\nWhat is called as no directory can hold counts as missing:\n {2}the account 1 {2}is called ""\n {2}two\n {2}three\n {2}and 1 more like that$/,
  );
});

test('groups that all have nobody any more are a lost permission, however few they are', () => {
  const [a, b] = [logins(3), logins(2)];
  assertPlausible(directory(4, { a, b }), directory(4, { a, b: [] }), 0.1);
  refused(
    directory(4, { a, b }),
    directory(4, { a: [], b: [] }),
    0.1,
    /0 groups that have members, and 2 of the 2 before are not among them/,
  );
  // One that was the only one may be emptied.
  assertPlausible(directory(4, { a }), directory(4, { a: [] }), 0.1);
  assertPlausible(directory(4, { a, b }), directory(4, { a: [], b: [] }), 1);
});

test('groups that are all called otherwise are lost to whoever holds access through them', () => {
  const named = (prefix: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, logins(3)]));
  const before = directory(4, named('g', 30));
  const renamed = (count: number) => directory(4, { ...named('g', 30 - count), ...named('acme/g', count) });
  assertPlausible(before, renamed(3), 0.1);
  refused(before, renamed(4), 0.1, /30 groups that have members, and 4 of the 30 before are not among them/);
  assertPlausible(before, renamed(4), 0.2);
  assertPlausible(before, directory(4, named('G', 30)), 0.1);
  // However few they are.
  refused(directory(4, named('g', 2)), directory(4, named('acme/g', 2)), 0.1, /2 of the 2 before/);
  assertPlausible(directory(4, named('g', 1)), directory(4, named('acme/g', 1)), 0.1);
});

test('a group of which only the first page came is a lost page, though everybody is still there', () => {
  const all = logins(450);
  const whole = directory(450, { staff: all, desk: all.slice(0, 40) });
  refused(
    whole,
    directory(450, { staff: all.slice(0, 200), desk: all.slice(0, 40) }),
    0.1,
    /250 of 490 members of groups no more, though they and the groups are there \(at most 49 are/,
  );
  assertPlausible(whole, directory(450, { staff: all.slice(0, 405), desk: all.slice(0, 40) }), 0.1);
  assertPlausible(whole, directory(450, { staff: all.slice(0, 200) }), 0.6);
  // A group that is deleted is gone for all to see, and whoever left is in none.
  assertPlausible(whole, directory(450, { desk: all.slice(0, 40) }), 0.1);
  assertPlausible(whole, directory(410, { staff: all.slice(0, 410), desk: all.slice(0, 40) }), 0.1);
  const temporary = { desk: all.slice(0, 40), temps: all.slice(410) };
  assertPlausible(directory(450, temporary), directory(410, { ...temporary, temps: [] }), 0.1);
  // Of few members ten may be missing.
  const desk = (count: number) => directory(450, { desk: all.slice(0, count) });
  assertPlausible(desk(40), desk(30), 0.1);
  refused(desk(40), desk(29), 0.1, /11 of 40 members/);
  refused(desk(40), desk(39), 0, /1 of 40 members/);
  // Another login, or another spelling of a group, is the same member.
  const renamed = directory(450, { STAFF: all, desk: all.slice(0, 40) });
  for (const person of renamed.people) person.login = `x${person.login}`;
  for (const group of renamed.groups)
    group.members = group.members.map((one) => one.replace('user:', 'user:x'));
  assertPlausible(whole, renamed, 0.1);
});
