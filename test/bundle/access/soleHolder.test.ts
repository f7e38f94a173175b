import * as assert from 'node:assert/strict';
import { soleHolder, soleHolders } from '../../../bundle/access/soleHolder.ts';
import type { Person } from '../../../bundle/grants/organisation.ts';
import type { Service } from '../../../bundle/grants/schema.ts';
import { suite } from '../../_suite.ts';

const test = suite('soleHolder');
const person = (login: string, status: Person['status']): [string, Person] => [
  login,
  { login, id: login, provider: 'okta', status },
];
const services = new Map<string, Service>();
const people = new Map([person('zoe', 'active'), person('ann', 'active')]);

test('a person holds alone what is theirs, and what their group of one has; nobody what several or none have', () => {
  const memberships = new Map([
    ['user:ann@example.com', ['group:desk', 'group:night']],
    ['user:dana@example.com', ['group:desk']],
  ]);
  const people = new Map([person('ann@example.com', 'active'), person('dana@example.com', 'active')]);
  assert.equal(soleHolder('user:ann@example.com', { memberships, people, services }), 'user:ann@example.com');
  assert.equal(soleHolder('group:night', { memberships, people, services }), 'user:ann@example.com');
  assert.equal(soleHolder('group:desk', { memberships, people, services }), null);
  assert.equal(soleHolder('group:empty', { memberships, people, services }), null);
});

test('those who are inactive or unknown hold nothing beside the one who is not', () => {
  const people = new Map([
    person('ann', 'active'),
    person('bob', 'suspended'),
    person('cleo', 'deprovisioned'),
  ]);
  const services = new Map<string, Service>([
    ['mailer', { name: 'mailer', owner: 'user:ann', state: 'disabled', credentials: [] }],
    ['runner', { name: 'runner', owner: 'user:ann', state: 'active', credentials: [] }],
  ]);
  const of = (...members: string[]) =>
    soleHolder('group:one', {
      memberships: new Map(members.map((name) => [name, ['group:one']])),
      ...{ people, services },
    });
  assert.equal(of('user:ann', 'user:bob', 'user:cleo', 'user:ghost', 'service:mailer'), 'user:ann');
  assert.equal(of('user:ann', 'service:runner'), null);
  assert.equal(of('user:bob', 'user:cleo'), null);
  assert.equal(of('user:bob'), 'user:bob');
});

test('of many it is found in one pass through the memberships', () => {
  let passes = 0;
  class Counting extends Map<string, readonly string[]> {
    override [Symbol.iterator]() {
      passes += 1;
      return super[Symbol.iterator]();
    }
  }
  const memberships = new Counting(
    ['zoe', 'ann'].map((name, at) => [`user:${name}`, ['group:both', `group:of-${at}`]]),
  );
  const asked = ['group:both', 'group:of-0', 'group:empty', 'service:billing', 'group:of-0'];
  assert.deepEqual(
    soleHolders(asked, { memberships, people, services }),
    new Set(['service:billing', 'user:zoe']),
  );
  assert.equal(passes, 1);
});
