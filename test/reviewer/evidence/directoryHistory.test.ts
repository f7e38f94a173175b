import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { createDirectoryHistory } from '../../../reviewer/evidence/directoryHistory.ts';
import { suite } from '../../_suite.ts';

const test = suite('directories and services through time');

const day = 86_400;
const instant = (at: number) => new Date(at * 1000).toISOString();

type Person = { login: string; status?: string; id?: string };
type Service = { name: string; state?: string; owner?: string; credentials?: number };
type Moment = {
  at: number;
  /** When the directory was read; left out, when it was committed. */
  synced?: number;
  people?: readonly Person[];
  groups?: Readonly<Record<string, readonly string[]>>;
  provider?: string;
  services?: readonly Service[] | null;
  /** Not all of it was read. */
  short?: boolean;
  /** Providers whose file goes. */
  gone?: readonly string[];
  /** On a branch that was merged then. */
  mergedAt?: number;
};

const key = (at: number) => ({ api_key_sha256: at.toString(16).padStart(64, '0') });
const servicesOf = (services: readonly Service[]) =>
  services.map(({ name, state = 'active', owner = 'user:ann', credentials = 1 }, index) => ({
    ...{ name, owner, state },
    credentials: Array.from({ length: credentials }, (_, other) => key(index * 10 + other)),
  }));

/** Steps through moments; JSON is YAML. */
function historyOf(
  moments: readonly Moment[],
  grants: readonly { principal: string; owner?: string }[],
  today = moments.findLast(({ services }) => services !== undefined)?.services ?? [],
) {
  const organisation = {
    grants: grants.map(({ principal, owner = 'user:ann' }, index) => ({
      ...{ id: `g-${index}`, principal, owner, grantedAt: 0 },
    })),
    services: new Map(servicesOf(today).map((service) => [service.name, service])),
  } as unknown as Organisation;
  const history = createDirectoryHistory(organisation);
  const bytes = (value: object) => Buffer.from(JSON.stringify(value));
  const last = new Map<string, Buffer | null>();
  for (const moment of moments) {
    const { at, synced = at, people, groups = {}, provider = 'okta', services, gone = [], short } = moment;
    const files = gone.map((one) => ({ path: `grants/directory/${one}.yaml`, bytes: null as Buffer | null }));
    if (people !== undefined)
      files.push({
        path: `grants/directory/${provider}.yaml`,
        bytes: bytes({
          ...{ provider, synced: instant(synced), complete: short !== true },
          people: people.map(({ login, id = `id-${login}`, status = 'active' }) => ({ login, id, status })),
          groups: Object.entries(groups).map(([name, members]) => ({ name, members })),
        }),
      });
    if (services !== undefined)
      files.push({
        path: 'grants/directory/services.yaml',
        bytes: services === null ? null : bytes({ services: servicesOf(services) }),
      });
    const { mergedAt } = moment;
    const changes = files.map((file) => ({
      ...{ path: file.path, before: last.get(file.path) ?? null, after: file.bytes },
    }));
    for (const file of files) last.set(file.path, file.bytes);
    if (mergedAt === undefined) history.step({ commit: 'c', at, blind: false, files });
    else history.aside({ at, mergedAt, merge: `m-${mergedAt}`, files: changes });
  }
  return history.end();
}

const ann = { login: 'ann' };

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
