import * as assert from 'node:assert/strict';
import { unknownNames } from '../../../bundle/access/unknownNames.ts';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import { suite } from '../../_suite.ts';
import { generatedOrganisation } from '../../policies/_organisation.ts';

const test = suite('unknownNames');

const { grants, services: _, ...rest } = generatedOrganisation('unknown names');
const model = grants[0] as Grant;
const people = Array.from({ length: 60 }, (_, number) => `person-number-${String(number).padStart(2, '0')}`);
const organisation = (principals: readonly string[], more: Partial<Organisation> = {}): Organisation => ({
  ...rest,
  apis: new Map(),
  services: new Map(),
  people: new Map(
    people.map((login) => [login, { login, id: login, status: 'active' as const, provider: 'okta' }]),
  ),
  groups: new Map([['desk', { name: 'desk', members: [] }]]),
  directories: [{ provider: 'okta', synced: '2026-11-23T03:00:00Z', complete: true, file: 'okta.yaml' }],
  grants: principals.map((principal, at) => ({
    ...model,
    ...{ id: `grant-${at}`, principal, owner: 'group:desk', place: { ...model.place, line: at + 1 } },
  })),
  ...more,
});
const suggested = (principals: readonly string[]) =>
  unknownNames(organisation(principals)).map(
    ({ message }) => /\(did you mean "(.+)"\?\)$/.exec(message)?.[1],
  );

test('names who is granted something and known to no directory, with whom was meant', () => {
  const known = [`user:${people[0]}`, 'group:desk'];
  assert.deepEqual(suggested(known), []);
  assert.deepEqual(
    suggested([...known, 'user:desk', `group:${people[1]}`, 'user:nobody-like-it', 'group:dsk']),
    ['group:desk', `user:${people[1]}`, undefined, 'desk'],
  );
  assert.deepEqual(unknownNames(organisation(['user:nobody'], { directories: [] })), []);
});

test('looks for fifty at most, and says again what it found before', () => {
  const slips = people.map((login) => `user:${login.replace('-number-', '-numbr-')}`);
  const found = suggested([...slips, ...slips.slice(0, 1)]);
  assert.equal(found[0], people[0]);
  assert.deepEqual(
    found.map((one) => one !== undefined),
    [...slips.map((_, at) => at < 50), true],
  );
  assert.equal(found.at(-1), people[0]);
});
