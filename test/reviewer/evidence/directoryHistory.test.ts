import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { createAbsences } from '../../../reviewer/evidence/directory/absences.ts';
import { createIds } from '../../../reviewer/evidence/directory/ids.ts';
import { lookUpIn } from '../../../reviewer/evidence/directory/lookUpIn.ts';
import { createDirectoryHistory } from '../../../reviewer/evidence/directoryHistory.ts';
import { suite } from '../../_suite.ts';
import {
  ann,
  day,
  historyOf,
  type Moment,
  type Person,
  type Service,
  servicesOf,
} from './_directoryHistory.ts';

const test = suite('directories and services through time');

test('nobody is silent while nobody was there, person, service or group, however nested', () => {
  const status = fc.constantFrom('active', 'suspended', 'deprovisioned');
  const state = fc.constantFrom('active', 'disabled');
  const moment = fc.record({
    pause: fc.integer({ min: 3600, max: 3 * day }),
    lag: fc.integer({ min: 0, max: 2 * day }),
    ann: fc.option(status),
    bot: fc.option(fc.record({ state, credentials: fc.integer({ min: 0, max: 1 }) })),
    members: fc.subarray(['user:ann', 'service:bot']),
    nested: fc.boolean(),
    changes: fc.constantFrom('both', 'people', 'services'),
  });
  const names = ['user:ann', 'service:bot', 'group:inner', 'group:outer'];
  fc.assert(
    fc.property(fc.array(moment, { minLength: 1, maxLength: 12 }), (drawn) => {
      let at = 100 * day;
      const moments: Moment[] = [];
      const there: { at: number; names: ReadonlySet<string> }[] = [];
      let last: (typeof drawn)[number] | undefined;
      const lastBot = drawn.findLast(({ changes }, index) => changes !== 'people' || index === 0)?.bot;
      for (const one of drawn) {
        at += one.pause;
        const { changes } = one;
        const [people, programs] = [changes !== 'services' || !last, changes !== 'people' || !last];
        const known = {
          ...(people || !last ? { ann: one.ann, members: one.members, nested: one.nested } : last),
          bot: programs || !last ? one.bot : last.bot,
        };
        last = { ...one, ...known };
        moments.push({
          at,
          synced: at - one.lag,
          ...(people && {
            people: known.ann === null ? [] : [{ login: 'ann', status: known.ann }],
            groups: { inner: known.members, outer: known.nested ? ['group:inner'] : [] },
          }),
          ...(programs && { services: known.bot === null ? [] : [{ name: 'bot', ...known.bot }] }),
        });
        const now = new Set<string>();
        if (known.ann === 'active') now.add('user:ann');
        const isProved = (known.bot?.credentials ?? 0) > 0 || (lastBot?.credentials ?? 0) === 0;
        if (known.bot?.state === 'active' && isProved) now.add('service:bot');
        if (known.members.some((member) => now.has(member))) now.add('group:inner');
        if (known.nested && now.has('group:inner')) now.add('group:outer');
        there.push({ at, names: now });
      }
      const history = historyOf(
        moments,
        names.map((principal) => ({ principal })),
      );
      for (const name of names) {
        // The last time when it came after nobody had been there for a day, or since history began.
        let [away, came]: [number | null, number | null] = [null, null];
        for (const [index, { at, names: now }] of there.entries()) {
          if (!now.has(name)) away ??= index === 0 ? Number.NEGATIVE_INFINITY : at;
          else if (away !== null) {
            if (at - away >= day) came = at;
            away = null;
          }
        }
        assert.equal(history.reachedSince(name), came, name);
      }
    }),
    { numRuns: 300 },
  );
});

test('a service is within reach since it is in use again, and since it has what proves it', () => {
  const bot = (at: number, more: Partial<Service> | null): Moment => ({
    at: at * day,
    services: more === null ? [] : [{ name: 'bot', ...more }],
  });
  const since = (...moments: Moment[]) =>
    historyOf(moments, [{ principal: 'service:BOT' }]).reachedSince('service:Bot');
  const off = { state: 'disabled' };
  assert.equal(since(bot(1, {}), bot(5, { owner: 'user:bob' })), null, 'in use all the time');
  assert.equal(since(bot(1, {}), bot(5, off), bot(9, {})), 9 * day);
  assert.equal(since(bot(1, off), bot(9, {})), 9 * day, 'off when history began');
  assert.equal(since(bot(1, {}), bot(5, off), bot(5.5, {})), null, 'off for less than a day');
  assert.equal(since(bot(1, {}), bot(5, null), bot(9, {})), 9 * day, 'gone for a while');
  assert.equal(since(bot(1, {}), { at: 5 * day, services: null }, bot(9, {})), 9 * day, 'with the file');
  assert.equal(since(bot(1, {}), bot(5, off)), null, 'off today');
  assert.equal(since(bot(1, { credentials: 0 }), bot(9, {})), 9 * day, 'nothing to prove itself with');
  assert.equal(since(bot(1, {}), bot(5, { credentials: 0 })), null, 'nor today');
  assert.equal(since({ at: day, people: [ann] }, bot(9, {})), 9 * day, 'come later than the directory');
  const broken = { path: 'grants/directory/services.yaml', bytes: Buffer.from('services: [') };
  const history = createDirectoryHistory({
    ...{ grants: [{ id: 'g', principal: 'service:bot', owner: 'user:ann', grantedAt: 0 }] },
    services: new Map(),
  } as unknown as Organisation);
  const bytes = Buffer.from(JSON.stringify({ services: servicesOf([{ name: 'bot' }]) }));
  for (const [at, file] of [bytes, null, bytes].entries())
    history.step({
      ...{ commit: 'c', at: at * 9 * day, blind: false },
      files: [file === null ? broken : { ...broken, bytes: file }],
    });
  assert.equal(history.end().reachedSince('service:bot'), null, 'what nobody could read nobody enforced');
});

test('who comes by a sync is there when it is committed: no gateway knew before', () => {
  const at = (days: number, status: string, synced = days): Moment => ({
    ...{ at: days * day, synced: synced * day, people: [{ login: 'ann', status }] },
  });
  const history = historyOf([at(1, 'suspended'), at(30, 'active', 4)], [{ principal: 'user:ann' }]);
  assert.equal(history.reachedSince('user:ann'), 30 * day);
  const began = [{ at: day, services: [] }, at(9, 'active')];
  const first = historyOf(began, [{ principal: 'user:ann' }]);
  assert.equal(first.reachedSince('user:ann'), 9 * day, 'whom no directory knew nobody let in');
  const left: Moment = { at: 5 * day, people: [{ login: 'bob' }], short: true };
  const short = historyOf([at(1, 'active'), left, at(9, 'active')], [{ principal: 'user:ann' }]);
  assert.equal(short.reachedSince('user:ann'), 9 * day, 'nor whom a read left out that was cut short');
  assert.equal(short.ownerlessSince('user:ann'), null);
  const never = historyOf([at(1, 'active'), left], [{ principal: 'user:ann' }]);
  assert.deepEqual(
    [never.ownerlessSince('user:ann'), never.absences('user:ann')],
    [null, null],
    'which tells of nobody that they went',
  );
  const lost = historyOf([at(1, 'active'), at(30, 'suspended', 4)], [{ principal: 'group:x' }]);
  assert.equal(lost.ownerlessSince('user:ann'), 30 * day, 'nor could anybody be asked');
});

test('of a login that two providers give nobody is let in, and nobody goes, before one of them lets go', () => {
  const of = (at: number, provider: string, ...people: Person[]): Moment => ({
    at: at * day,
    provider,
    people,
  });
  const off = { login: 'Ann', status: 'suspended' };
  const told = (...moments: Moment[]) => {
    const history = historyOf(moments, [{ principal: 'user:ann' }]);
    return [history.reachedSince('user:ann'), history.ownerlessSince('user:ann')];
  };
  const paused = [of(1, 'hr', off), of(10, 'okta', ann)];
  assert.deepEqual(told(...paused, of(15, 'hr')), [15 * day, null]);
  assert.deepEqual(told(...paused, of(15, 'okta')), [null, day]);
  const there = [of(1, 'hr', ann), of(10, 'okta', off)];
  assert.deepEqual(told(...there, of(15, 'hr')), [null, 15 * day]);
  assert.deepEqual(told(...there, of(15, 'okta')), [null, null]);
});

test('what merged branches hide is heard for whoever would lose something, and against nobody', () => {
  const told = (moments: Moment[], name = 'user:ann') => historyOf(moments, [{ principal: name }]);
  const okta = (at: number, people: readonly Person[], synced = at): Moment => ({
    ...{ at: at * day, synced: synced * day, people },
  });
  const beside = (moment: Moment) => ({ ...moment, mergedAt: 18 * day });
  const off = [{ login: 'ann', status: 'suspended' }];
  const [first, gone] = [okta(1, [ann]), [{ login: 'bob' }]];
  const since = (...moments: Moment[]) => Number(told([first, ...moments]).reachedSince('user:ann')) / day;
  assert.equal(since(beside(okta(10, off)), beside(okta(17, [ann], 1))), 18, 'away, and back');
  assert.equal(since(beside(okta(10, [ann]))), 0, 'there');
  const later = [okta(2, off), okta(9, [ann]), beside(okta(8, off)), beside(okta(17, [ann]))];
  assert.equal(since(...later), 18, 'however soon the line had it');
  assert.equal(since(beside(okta(17.5, off)), beside(okta(17.7, [ann]))), 0, 'for less than a day');
  assert.equal(since(okta(9, off), beside(okta(10, [ann])), okta(19, [ann])), 19, 'came by no branch before');
  const bot = (at: number, state: string, owner = 'user:ann'): Moment => ({
    ...{ at: at * day, services: [{ name: 'bot', state, owner }] },
  });
  const program = (...moments: Moment[]) => told([bot(1, 'active'), ...moments], 'service:bot');
  const paused = program(beside(bot(10, 'disabled')), beside(bot(17, 'active')));
  assert.equal(paused.reachedSince('service:bot'), 18 * day);
  assert.equal(program(beside(bot(10, 'active', 'user:bob'))).serviceOwnedSince('service:bot'), 18 * day);
  assert.equal(program(beside(bot(10, 'active'))).serviceOwnedSince('service:bot'), day);

  const absent = (...moments: Moment[]) => {
    const all = [first, okta(9, gone), ...moments, okta(19, gone)];
    return told(all)
      .absences('user:ann')
      ?.map(({ syncs }) => syncs);
  };
  assert.deepEqual(absent(), [2]);
  assert.deepEqual(absent(beside(okta(12, gone))), [2], 'no sync of the line');
  assert.deepEqual(absent(beside(okta(12, [ann]))), [1], 'read, and there');
  assert.deepEqual(absent(beside(okta(12, [ann], 5))), [2], 'as of before');
  assert.deepEqual(absent(beside({ ...okta(12, gone), short: true })), [1], 'not read to its end');
  assert.deepEqual(absent(beside({ at: 12 * day, gone: ['okta'] })), [1], 'not read');

  const alone = (...moments: Moment[]) => {
    const { ownerlessSince } = told([first, okta(9, off), ...moments]);
    return Number(ownerlessSince('user:ann')) / day;
  };
  assert.equal(alone(beside(okta(12, off))), 9);
  const sooner = [first, { ...okta(9, off) }, beside({ ...okta(8, [ann]) }), beside(okta(12, off))];
  assert.equal(told(sooner).ownerlessSince('user:ann'), 18 * day, 'there meanwhile');
  assert.equal(alone(beside(okta(12, [ann]))), 18);
  assert.equal(alone(beside(okta(12, [ann], 5))), 18, 'as edited there');
  const other = (at: number): Moment => okta(at, [{ login: 'ann', id: 'another' }]);
  const given = (at: number, ...moments: Moment[]) => told([first, ...moments]).isSame('user:ann', at * day);
  assert.equal(given(12, other(19)), false);
  assert.equal(given(12, beside(other(10)), other(19)), true, 'who gave it meant that one');
  assert.equal(given(9, beside(other(10)), other(19)), false);
  assert.equal(given(12, beside(other(10)), okta(19, [ann])), true, 'never so on the line');
});

test('another id is another person, unless the provider counts everybody anew or it was before', () => {
  const ids = (at: number, annsId: string, bobsId: string | null = 'b', provider = 'okta'): Moment => ({
    ...{ at: at * day, provider },
    people: [{ login: 'ann', id: annsId }, ...(bobsId === null ? [] : [{ login: 'bob', id: bobsId }])],
  });
  const another = (since: number, ...moments: Moment[]) => {
    const history = historyOf(moments, [{ principal: 'user:ann' }]);
    return history.isSame('user:ann', since * day) ? null : Number(history.idChangedAt('user:ann')) / day;
  };
  assert.equal(another(2, ids(1, 'a'), ids(5, 'x')), 5);
  assert.equal(another(0, ids(1, 'a'), ids(5, 'x')), 5, 'given before anybody was known');
  assert.equal(another(5, ids(1, 'a'), ids(5, 'x')), null, 'given to that one');
  assert.equal(another(2, ids(1, 'a'), ids(5, 'x'), ids(7, 'a')), null, 'a slip that was put right');
  assert.equal(another(6, ids(1, 'a'), ids(5, 'x'), ids(7, 'a')), 7);
  assert.equal(another(2, ids(1, 'a'), ids(5, 'x', 'y')), null, 'all of them at once');
  assert.equal(another(2, ids(1, 'a'), ids(5, 'x', 'y'), ids(7, 'z', 'y')), 7);
  const away = { at: 4 * day, gone: ['okta'] };
  assert.equal(another(2, ids(1, 'a'), away, ids(5, 'x', 'y')), null, 'nor when its file was gone between');
  assert.equal(another(2, ids(1, 'a'), away, ids(5, 'x')), 5);
  assert.equal(another(2, ids(1, 'a'), ids(5, 'x'), ids(7, 'y', 'c')), 5, 'however it counts since');
  assert.equal(another(2, ids(1, 'a', null), ids(5, 'x', 'y')), 5, 'the only one there was');
  assert.equal(another(2, ids(1, 'a', null), ids(5, '9', null, 'entra')), null, 'of another provider');
});

test('absences are counted from the first sync that says so, and an edit by hand is none', () => {
  const absences = createAbsences(new Set(['user:ann']));
  const after = (at: number, isSync: boolean) => {
    absences.note('okta', { at, isSync, knows: () => false });
    return absences.runs('okta').get('user:ann');
  };
  assert.deepEqual(after(10, false), { syncs: 0, from: 10, to: 10 });
  assert.deepEqual(after(20, true), { syncs: 1, from: 20, to: 20 });
  assert.deepEqual(after(30, false), { syncs: 1, from: 20, to: 20 });
  assert.deepEqual(after(40, true), { syncs: 2, from: 20, to: 40 });
  // A clock that was set back parts no two syncs.
  assert.deepEqual(after(5, true), { syncs: 3, from: 20, to: 20 });
  // Somebody was there in between, and not only before.
  absences.noteKnown('okta', 19, () => true);
  assert.equal(absences.runs('okta').size, 1);
  absences.noteKnown('okta', 20, () => true);
  assert.equal(absences.runs('okta').size, 0);
});

test('a file that tells no ids of groups is of those that were, and whose provider is not read any more is absent nowhere', () => {
  const ids = createIds();
  ids.note('group:desk', { provider: 'okta', id: 'g1', at: 10 }, false);
  ids.note('group:desk', { provider: 'okta', id: '', at: 20 }, false);
  assert.deepEqual([ids.isSame('group:desk', 10), ids.changedAt('group:desk')], [true, null]);
  ids.note('group:desk', { provider: 'okta', id: 'g2', at: 30 }, false);
  assert.deepEqual([ids.isSame('group:desk', 10), ids.changedAt('group:desk')], [false, 30]);
  const run = { syncs: 2, from: 20, to: 40 };
  const absences = (unread: ReadonlyMap<string, number>) =>
    lookUpIn({
      ...{ ids, unread, standings: new Map(), ownerless: new Map(), untold: new Set(), owned: new Map() },
      ...{ everKnown: new Set(['user:ann']), arrived: new Map(), missing: new Map() },
      providers: [{ provider: 'okta', runs: new Map([['user:ann', run]]), knew: () => true }],
    }).absences('user:Ann');
  assert.deepEqual([absences(new Map()), absences(new Map([['user:ann', 15]]))], [[run], null]);
});
