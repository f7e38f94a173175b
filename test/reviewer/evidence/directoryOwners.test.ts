import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { ann, day, historyOf, type Moment, type Person } from './_directoryHistory.ts';

const test = suite('who answers, and who is missing');

test('an owner is as active as its services and people were then', () => {
  const team = { people: [ann], groups: { bots: ['service:bot'] } };
  const moments: Moment[] = [
    { at: day, ...team, services: [{ name: 'bot' }] },
    { at: 5 * day, services: [{ name: 'bot', state: 'disabled', owner: 'group:Bots' }] },
  ];
  const bots = { principal: 'service:bot', owner: 'group:bots' };
  assert.equal(historyOf(moments, [bots]).ownerlessSince('group:bots'), 5 * day);
  const back = { at: 9 * day, services: [{ name: 'bot', owner: 'group:BOTS', credentials: 0 }] };
  const history = historyOf([...moments, back], [bots]);
  assert.equal(history.ownerlessSince('group:bots'), null);
  assert.equal(history.serviceOwnedSince('service:BOT'), 5 * day, 'in another spelling it is the same owner');
  const anew = { at: 12 * day, services: [] };
  const again = { at: 13 * day, services: [{ name: 'bot', owner: 'group:bots' }] };
  assert.equal(
    historyOf([...moments, anew, again], [bots]).serviceOwnedSince('service:bot'),
    13 * day,
    'another that has its name now',
  );
  assert.equal(history.serviceOwnedSince('service:other'), null);
});

test('directories can tell of an owner whom one knew, with everybody in it', () => {
  const tells = (owner: string, ...moments: Moment[]) => {
    const history = historyOf(moments, [{ principal: 'user:ann', owner }]);
    return history.ownerlessSince(owner) === null ? null : history.canTell(owner);
  };
  const first = (groups: Moment['groups'] = {}, people: readonly Person[] = [ann]) => ({
    ...{ at: day, people, groups },
  });
  const off = { login: 'bob', status: 'suspended' };
  assert.equal(tells('user:ann', first()), null, 'somebody is there');
  assert.equal(tells('user:bob', first({}, [ann, off])), true);
  assert.equal(tells('user:bob', first({}, [ann, off]), { at: 2 * day, people: [ann] }), true, 'who went');
  assert.equal(tells('user:nobody', first()), false);
  assert.equal(tells('group:of-tokens', first()), false);
  assert.equal(tells('group:empty', first({ empty: [] })), true);
  assert.equal(tells('group:empty', first({ empty: [] }), { at: 2 * day, people: [ann] }), true, 'dissolved');
  assert.equal(tells('group:of-bob', first({ 'of-bob': ['user:bob'] }, [ann, off])), true);
  assert.equal(tells('group:strangers', first({ strangers: ['user:eve'] })), false);
  assert.equal(tells('group:outer', first({ outer: ['group:inner'], inner: [] })), true);
  assert.equal(tells('group:outer', first({ outer: ['group:elsewhere'] })), false);
  const elsewhere = { at: day, people: [], provider: 'entra' };
  const circle = { outer: ['group:inner', 'user:eve'], inner: ['group:outer'] };
  assert.equal(tells('group:outer', first(circle)), false, 'a circle has an end');
  assert.equal(
    tells('user:ann', first(), elsewhere, { at: 2 * day, gone: ['okta'] }),
    false,
    'whose file went',
  );
});

test('tokens may bring a group that one knew, and a person whom none did', () => {
  const missing = (principal: string, ...moments: Moment[]) => {
    const { missing } = historyOf(moments, [{ principal }]);
    return missing.get(principal) ?? null;
  };
  const first = { at: day, people: [ann], groups: { night: ['user:ann'] } };
  const without = { at: 5 * day, synced: 3 * day, people: [{ login: 'bob' }] };
  assert.equal(missing('group:night', first), null);
  assert.equal(missing('group:night', first, without), 5 * day, 'since it was committed');
  assert.equal(missing('group:night', first, without, { ...first, at: 6 * day }), null, 'there again');
  assert.equal(missing('group:of-tokens', first), null, 'it is not missed');
  assert.equal(missing('user:ann', first, without), null, 'who was known and went');
  const empty = { at: 4 * day, people: [ann], groups: { owners: [] } };
  const owned = [{ principal: 'user:ann', owner: 'group:owners' }];
  assert.equal(historyOf([empty], owned).missing.get('group:owners'), 4 * day, 'an owner with nobody in it');
  assert.equal(missing('group:owners', empty), null, 'who holds something and has nobody in it is there');
  assert.equal(missing('user:eve', first), day);
  const unread = { at: 5 * day, gone: ['okta'] };
  assert.equal(missing('group:night', first, unread), null, 'nobody read that');
  const later = [
    { ...first, at: 6 * day },
    { ...without, at: 7 * day },
  ];
  assert.equal(missing('group:night', first, unread, ...later), 7 * day, 'till somebody did');
});

test('who was lost may have moved to a provider that is read, until it was read again', () => {
  const okta = (at: number, ...logins: string[]): Moment => ({
    ...{ at: at * day, people: logins.map((login) => ({ login })) },
  });
  const hr = (at: number, ...logins: string[]): Moment => ({ ...okta(at, ...logins), provider: 'hr' });
  const told = (...moments: Moment[]) => {
    const history = historyOf(moments, [{ principal: 'user:ann' }]);
    return [history.absences('user:ann')?.map(({ syncs }) => syncs) ?? null, history.awaited('user:ann')];
  };
  const gone = [okta(50, 'bob'), okta(52, 'bob')];
  const first = okta(1, 'ann');
  assert.deepEqual(told(first, ...gone), [[2], []]);
  assert.deepEqual(told(first, hr(2), hr(9), ...gone), [[2], ['hr']], 'read now and then');
  assert.deepEqual(told(first, hr(2), ...gone), [[2], []], 'kept by hand');
  assert.deepEqual(told(first, hr(49), ...gone), [[2], ['hr']], 'connected lately');
  assert.deepEqual(told(first, hr(2), hr(9), ...gone, hr(53)), [[2], []], 'read since, without her');
  assert.deepEqual(told(first, hr(2), hr(9), ...gone, hr(53, 'ann')), [null, []], 'and with her');
  assert.deepEqual(told(hr(2), hr(9), ...gone), [[2], []], 'whom none ever knew did not move');
});

test('whom a provider knew whose file went nobody reads any more', () => {
  const since = (...moments: Moment[]) => {
    const history = historyOf(moments, [{ principal: 'user:ann' }, { principal: 'group:night' }]);
    return ['user:ann', 'group:night'].map((name) => history.unreadSince(name));
  };
  const first = { at: day, people: [ann], groups: { night: ['user:ann'] } };
  const other = { at: 2 * day, people: [{ login: 'bob' }], provider: 'hr' };
  const unread = { at: 9 * day, gone: ['okta'] };
  assert.deepEqual(since(first, other), [null, null]);
  assert.deepEqual(since(first, other, unread), [9 * day, 9 * day]);
  assert.deepEqual(since(first, unread), [9 * day, 9 * day], 'the last one there was');
  assert.deepEqual(since(first, { ...first, ...other }, unread), [9 * day, null], 'another has the group');
  assert.deepEqual(since(first, other, unread, { ...first, at: 10 * day }), [null, null], 'read again');
  const lost = { at: 5 * day, people: [{ login: 'bob' }] };
  assert.deepEqual(since(first, other, lost), [null, null], 'it said so itself');
  assert.deepEqual(since(first, other, lost, unread), [9 * day, 9 * day], 'once, and never again');
  const both = [first, { ...first, ...other, people: [ann] }, { ...other, at: 5 * day }, lost, unread];
  assert.deepEqual(since(...both), [null, null], 'the other tells of it');
});
