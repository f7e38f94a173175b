import * as assert from 'node:assert/strict';
import { listed } from '../../../bundle/format/counted.ts';
import { detector } from '../../../bundle/grants/names.ts';
import type { Evidence } from '../../../reviewer/evidence/gather.ts';
import { type Reported, sentence } from '../../../reviewer/plan/sentence.ts';
import { suite } from '../../_suite.ts';

const test = suite('sentence');

const at = (day: string) => Date.parse(`${day}T12:00:00Z`) / 1000;
const asOf = at('2026-11-23');
const grant = {
  ...{
    id: 'g',
    principal: 'group:desk',
    api: 'orders',
    owner: 'user:gone',
    covers: ['get', 'list', 'create'],
  },
  ...{ expires: '2026-11-30', grantedAt: at('2026-01-01') },
};
const usage = { from: at('2026-11-13'), operations: ['get'], allows: 12, daysUsed: 1, lastUsedAt: null };
const observed = {
  ...{ busiest: 1, rate: '5/min', uses: 1, networks: ['home', 'office'], principal: 'group:few', members: 2 },
  ...{ first: at('2026-03-01'), last: at('2026-03-02') },
};
const duties = [{ name: 'pay', operations: ['create', 'get'], holders: ['user:ann', 'service:bot'] }];
const pay = {
  name: 'pay',
  left: { api: 'orders', operations: ['get', 'create'] },
  right: { api: 'payments', operations: ['approve'] },
};
const held = (id: string, principal: string, state = 'active') => ({
  ...{ id, principal, state, api: 'payments', covers: ['approve', 'see'], expiresAt: null },
});
type Told = {
  companions?: string[];
  action?: string;
  usage?: object | null;
  own?: object;
  grant?: object;
  suspendedAt?: number;
};
const directory = {
  ...{ idChangedAt: () => null, absences: () => null },
  ...{ ownerlessSince: (owner: string) => (owner === 'user:gone' ? asOf : null), members: () => 1 },
  memberNames: (): string[] | null => ['user:ann'],
  reachedSince: (): number | null => null,
  position: (): object | null => null,
  canTell: (): boolean => true,
  awaited: (): string[] => [],
  unreadSince: (): number | null => null,
};
const asked = { 'orphan-missing': 'revoke' } as Readonly<Record<string, string>>;
const say = (name: string, told: Told = {}, directories: object = directory): string => {
  const { suspendedAt = null, ...more } = told;
  const report = {
    detector: name,
    action: asked[name] ?? 'recertify',
    grant,
    usage,
    observed,
    duties,
    ...more,
  };
  const evidence = {
    asOf,
    organisation: {
      people: new Map([['bob', { status: 'suspended' }]]),
      services: new Map(),
      memberships: new Map([['user:bob', ['group:Night', 'group:staff']]]),
      review: { separation_of_duties: [pay] },
      grants: [grant, held('h', 'user:ann'), held('other', 'user:eve'), held('off', 'user:ann', 'suspended')],
    },
    members: new Map([['group:desk', ['user:ann', 'user:bob']]]),
    history: { directories },
    brought: new Map([['group:desk', at('2026-11-20')]]),
  };
  return sentence({ report, suspendedAt } as unknown as Reported, evidence as unknown as Evidence);
};
const bob = { grant: { ...grant, principal: 'user:bob' } };
const access = 'orders (get, list and create)';

const sentences: Readonly<Record<string, string>> = {
  expired: `The access of the group desk to ${access} ended on 2026-11-30; it is denied already, and its entry only clutters the file.`,
  'never-used': `The group desk has not used the access to ${access} once in the 10 days since it was last widened or put back on 2026-11-13.`,
  dormant: `The group desk has not used the access to ${access} for at least 10 days.`,
  'orphan-disabled': `The account of bob is suspended, yet it keeps a grant of ${access}, which holds again the moment the account does.`,
  'over-privileged':
    'The group desk used 1 of the 3 operations granted on orders in 10 days (12 allowed requests on 1 day); not list and create.',
  expiring: `The access of the group desk to ${access} ends on 2026-11-30; merging this prolongs it, closing it lets it lapse.`,
  'orphan-missing': `No directory knows the group desk any more, and the grant still names it for ${access}.`,
  ownerless: `Since 2026-11-23 at the latest nobody active is behind gone, who is to answer for the access of the group desk to ${access}.`,
  redundant: `The group desk would keep all of its use of ${access} by another grant, which justified every request of the last 10 days too.`,
  'high-access': `Nobody has answered for the access of the group desk to ${access} for 326 days, since 2026-01-01.`,
  mover: `The group desk has other groups or another manager than on 2026-01-01, when the access to ${access} was last answered for.`,
  growth: `The group desk reaches 2 people and services, 1 on 2026-01-01 (new since: bob), when its access to ${access} was last answered for.`,
  'separation-of-duties':
    'By this grant ann and the service bot may do create and get on orders, and hold the other side of pay too (approve by h).',
  'rate-limit': `Nobody asked for ${access} by the grant of the group desk more than 1 time in a minute; a rate of 5/min would have refused 0 of 1 request on record.`,
  'second-factor': `Every one of the 1 request by which the group desk used ${access} had a second factor; asking for one would have refused 0 of 1 request on record.`,
  'known-networks': `All that the group desk did on ${access} came from home and office; allowing it from there alone would have refused 0 of 1 request on record.`,
  'smaller-group': `Of 2 members of the group desk only some used ${access}, all of them of the group few (2); giving it to these alone would have refused 0 of 1 request on record.`,
  'one-off': `The group desk used ${access} from 2026-03-01 to 2026-03-02 and not since, and the grant has no end; with one, it lapses unless somebody still needs it.`,
};

test('every detector has a sentence of its own', () => {
  assert.deepEqual(Object.keys(sentences).sort(), [...detector.options].sort());
  for (const [name, text] of Object.entries(sentences))
    assert.equal(say(name, name === 'orphan-disabled' ? bob : {}), text);
});

test('says what moved, which other grant it is, and nothing that is not known', () => {
  const was = (groups: string[], manager: string | null) =>
    say('mover', bob, { ...directory, position: () => ({ groups, manager }) });
  assert.match(
    was(['group:desk', 'group:staff'], 'eve'),
    /^bob has .* than on 2026-01-01 \(no more in desk; now in night; manager nobody, not eve\), when/,
  );
  assert.match(was(['group:night', 'group:staff'], null), /than on 2026-01-01, when/);
  assert.match(say('redundant', { companions: ['a', 'b'] }), / by a or b, which justified every request /);
  const day = { usage: { ...usage, from: grant.grantedAt + 3600 } };
  assert.match(say('never-used', day), /since it was granted on 2026-01-01\.$/);
});

test('says what is known: since when, whose, and in the words of a detector of one’s own', () => {
  assert.equal(
    say('dormant', { action: 'revoke', suspendedAt: at('2026-11-22') }),
    `The access of the group desk to ${access} has been suspended for 1 day, since 2026-11-22, and nobody has asked for it back.`,
  );
  assert.equal(
    say('dormant', { ...bob, usage: { ...usage, lastUsedAt: at('2026-11-20') } }),
    `bob has not used the access to ${access} for 3 days, since 2026-11-20.`,
  );
  assert.match(
    say('never-used', { usage: { ...usage, from: grant.grantedAt } }),
    /since it was granted on 2026-01-01\.$/,
  );
  const arrived = { ...directory, reachedSince: () => usage.from };
  assert.match(
    say('never-used', {}, arrived),
    /since the directory first, or again, had somebody active in the group on 2026-11-13\.$/,
  );
  assert.match(
    say('never-used', bob, arrived),
    /since the directory first, or again, had the account as active on 2026-11-13\.$/,
  );
  const another = { ...directory, idChangedAt: () => at('2026-11-01') };
  assert.equal(
    say('orphan-missing', bob, another),
    `The login bob belongs to another person since 2026-11-01, and the grant for ${access} was not meant for them.`,
  );
  assert.match(
    say('orphan-missing', bob, { ...another, absences: () => [asOf] }),
    /^No directory knows bob any more/,
  );
  assert.match(
    say('growth', {}, { ...directory, memberNames: () => null }),
    /people and services, 1 on 2026-01-01, when/,
  );
  const unsure = `whether the access to ${access} is still meant nobody here can tell.`;
  assert.equal(
    say('orphan-missing', { action: 'recertify' }),
    `No directory knows the group desk any more, and yet tokens brought it, last on 2026-11-20: ${unsure}`,
  );
  const recertified = { ...bob, action: 'recertify' };
  assert.equal(
    say('orphan-missing', recertified),
    `No directory knows bob, and no records show that tokens do not bring it: ${unsure}`,
  );
  assert.equal(
    say('orphan-missing', recertified, { ...directory, awaited: () => ['hr'] }),
    `No directory knows bob any more, and hr was not read since: ${unsure}`,
  );
  assert.equal(
    say('orphan-missing', recertified, { ...directory, unreadSince: () => at('2026-11-02') }),
    `Since 2026-11-02 no directory is read that knew bob, for its file is gone: ${unsure}`,
  );
  const untold = `who is to answer for the access of the group desk to ${access}.`;
  assert.equal(
    say('ownerless', {}, { ...directory, canTell: () => false }),
    `No directory tells whether anybody is behind gone, ${untold}`,
  );
  const invoicer = { grant: { ...grant, principal: 'service:invoicer' } };
  assert.match(
    say('never-used', invoicer, arrived),
    /since services\.yaml first, or again, had it in use on 2026-11-13\.$/,
  );
  assert.equal(say('own-rule', { own: { sentence: 'Odd.' } }), 'Odd.');
  assert.equal(say('own-rule'), `own-rule: the access of the group desk to ${access}.`);
});

test('lists a few names, and counts the others', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  assert.deepEqual(
    names.map((_, at) => listed(names.slice(0, at + 1))),
    ['a', 'a and b', 'a, b and c', 'a, b, c and d', 'a, b, c and 2 more'],
  );
  assert.equal(listed([]), '');
});
