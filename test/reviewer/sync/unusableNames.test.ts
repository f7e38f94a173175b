import * as assert from 'node:assert/strict';
import { syncText } from '../../../reviewer/sync/syncText.ts';
import { suite } from '../../_suite.ts';
import { fileOf, one, organisation, refill, textOf, withProviders, world } from './_sync.ts';

const test = suite('names that no directory can hold');
withProviders(test);

test('a login that a closed account left to another person is the other person’s; two groups of one name are refused', async () => {
  organisation.people.push({ id: '40', login: 'ANN@example.com', status: 'deprovisioned' });
  const text = await textOf(world('okta'));
  assert.match(text, /login: "ann@example.com"\n {4}id: "11"/);
  assert.doesNotMatch(text, /"40"/);
  refill();
  organisation.groups.push({ id: '29', name: 'Billing', people: [] });
  await assert.rejects(world('okta').run(), /two groups are called "Billing" \(21 and 29\)/);
  // What is not taken may be called as it likes.
  assert.ok(await one(world('okta', '    groups: { include: [finance] }\n')));
});

test('an account that is called as no directory can hold is told of, and keeps nobody else from being synced', async () => {
  const here = world('okta');
  await here.run();
  const entry = (login: string) =>
    new RegExp(`- login: "${login}"\\n {4}id: "(\\d+)"\\n {4}status: (\\w+)`)
      .exec(fileOf(here, 'okta'))
      ?.slice(1);
  const members = () =>
    / {2}- name: billing\n {4}id: "21"\n {4}members:\n((?: {6}- .*\n)*)/.exec(fileOf(here, 'okta'))?.[1];
  const ann = organisation.people[0];
  assert.ok(ann);
  const were = members();
  assert.match(were ?? '', /user:ann@example\.com/);
  organisation.people.push(
    { id: '50', login: 'mal\u202elory@example.com' },
    { id: '51', login: '' },
    { id: '52', login: `${'x'.repeat(300)}@example.com` },
    { id: '9'.repeat(201), login: 'long@example.com' },
    { id: '53', login: 'zoe@example.com' },
  );
  organisation.groups[0]?.people.push('50');
  ann.login = 'ann\u0007@example.com';
  let found = await one(here);
  assert.equal(members(), were, 'nobody lost a membership, and nobody without a name has one');
  assert.deepEqual(entry('zoe@example.com'), ['53', 'active']);
  assert.deepEqual(entry('ann@example.com'), ['11', 'suspended']);
  assert.doesNotMatch(fileOf(here, 'okta'), /"5[012]"/);
  assert.deepEqual(
    found.warnings.map((line) =>
      /account (\d+) .*: it (stays as [^,]+|is left out)/.exec(line)?.slice(1).join(' '),
    ),
    [
      '11 stays as ann@example.com',
      '50 is left out',
      '51 is left out',
      '52 is left out',
      `${'9'.repeat(201)} is left out`,
    ],
  );
  assert.match(
    syncText(found),
    /warning: the account 50 is called "mal\\u\{202e\}lory@example\.com", and that is no login/,
  );
  assert.match(syncText(found), /ann@example\.com is suspended, was active/);
  assert.equal((await one(here)).due, false, 'said again, and nothing is to be written again');

  // Called otherwise, they are let in again.
  ann.login = 'anna@example.com';
  organisation.people.splice(5, 4);
  found = await one(here);
  assert.deepEqual([found.warnings, entry('anna@example.com')], [[], ['11', 'active']]);
  // Not as somebody who is called that now, be they taken or not.
  ann.login = ' ';
  organisation.people.push({ id: '54', login: 'Anna@example.com' });
  found = await one(here);
  assert.match(found.warnings[0] ?? '', /account 11 .* is left out/);
  assert.deepEqual(entry('Anna@example.com'), ['54', 'active']);
  // Too many of them look like a lost permission, and are said to be the cause.
  for (const person of organisation.people) person.login = '';
  await assert.rejects(here.run(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-shrunk');
    assert.match(error.message, /counts as missing:\n {2}the account 11 is called ""/);
    return true;
  });
});

test('nobody comes as another of an account that is not taken', async () => {
  const here = world('okta', '    people: members\n    groups: { include: [billing] }\n');
  await here.run();
  const ann = organisation.people[0];
  assert.ok(ann);
  ann.login = '\u0007';
  organisation.people.push({ id: '54', login: 'ANN@example.com' });
  const found = await one(here);
  assert.match(found.warnings[0] ?? '', /account 11 .* is left out/);
  assert.doesNotMatch(fileOf(here, 'okta'), /ann@example\.com/i);
});

test('a closed account of the same name does not make somebody without a usable one leave', async () => {
  const here = world('okta');
  await here.run();
  const ann = organisation.people[0];
  assert.ok(ann);
  ann.login = '\u0007';
  organisation.people.push({ id: '55', login: 'ANN@example.com', status: 'deprovisioned' });
  const found = await one(here);
  assert.match(found.warnings[0] ?? '', /account 11 .* stays as ann@example\.com, suspended,/);
  assert.match(fileOf(here, 'okta'), /login: "ann@example\.com"\n {4}id: "11"\n {4}status: suspended/);
  assert.doesNotMatch(fileOf(here, 'okta'), /"55"/);

  // Of two who have left, the one that has a name is there.
  ann.status = 'deprovisioned';
  assert.match((await one(here)).warnings[0] ?? '', /account 11 .* is left out/);
  assert.match(fileOf(here, 'okta'), /login: "ANN@example\.com"\n {4}id: "55"\n {4}status: deprovisioned/);
});

test('of two who are called alike neither is let in, and all others are', async () => {
  organisation.people.push({ id: '41', login: 'Ann@example.com' });
  const fresh = await one(world('okta'));
  assert.doesNotMatch(String(fresh.bytes), /ann@example\.com/i);
  assert.match(String(fresh.bytes), /cleo@example\.com/);
  assert.match(
    fresh.warnings.join('\n'),
    /account 11 .*"ann@example\.com", and so is 41: it is left out[\s\S]*account 41/,
  );
  organisation.people.pop();
  const here = world('okta');
  await here.run();
  organisation.people.push({ id: '41', login: 'Ann@example.com' }, { id: '42', login: 'new@example.com' });
  const found = await one(here);
  assert.match(fileOf(here, 'okta'), /login: "ann@example\.com"\n {4}id: "11"\n {4}status: suspended/);
  assert.match(fileOf(here, 'okta'), /new@example\.com/);
  assert.doesNotMatch(fileOf(here, 'okta'), /"41"/);
  assert.equal(found.warnings.length, 2);
});

test('a group that is called as no directory can hold is left out, also of others', async () => {
  const inner = organisation.groups[1];
  assert.ok(inner);
  inner.name = 'fin\u2028ance';
  const found = await one(world('entra'));
  assert.match(String(found.bytes), /name: billing/);
  assert.doesNotMatch(String(found.bytes), /ance/);
  assert.match(found.warnings[0] ?? '', /the group 22 is called "fin\\u\{2028\}ance"/);
});
