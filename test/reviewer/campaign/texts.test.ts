import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { answersOf, hearAnew } from '../../../reviewer/campaign/answersOf.ts';
import { reminderAt } from '../../../reviewer/campaign/due.ts';
import { freeze } from '../../../reviewer/campaign/freeze.ts';
import type { FrozenEntry } from '../../../reviewer/campaign/frozen.ts';
import { campaignOf, isCampaignName, partBranch } from '../../../reviewer/campaign/frozen.ts';
import {
  type Answers,
  joinPart,
  packAnswers,
  parsePart,
  partsOf,
  unpackAnswers,
} from '../../../reviewer/campaign/marker.ts';
import { createPace } from '../../../reviewer/campaign/pace.ts';
import { renderPart } from '../../../reviewer/campaign/renderPart.ts';
import type { Row } from '../../../reviewer/campaign/rows.ts';
import { parseScope } from '../../../reviewer/campaign/scope.ts';
import { parseCommands } from '../../../reviewer/pulls/commands/parse.ts';
import { suite } from '../../_suite.ts';
import { frozenOf } from './_frozen.ts';

const test = suite('texts of a campaign');

const entry = (number: number, more: Partial<FrozenEntry> = {}): FrozenEntry => ({
  ...{ grant: `orders-grant-${number}`, principal: 'user:somebody.with.a.name@example.com', api: 'orders' },
  ...{ tier: 'medium', owner: 'group:desk', digest: '0', covers: 2, gives: 'reader', action: 'recertify' },
  use: { allows: number, days: 3, last: '2026-11-20T00:00:00Z' },
  ...more,
});
const row = (number: number, more: Partial<Row> = {}): Row => ({
  ...{ number, entry: entry(number), standing: 'same', edits: [], proposal: 'keep' },
  ...more,
});
const frozen = frozenOf([]);
const textOf = (rows: readonly Row[]) =>
  renderPart(
    {
      frozen,
      part: { owner: 'group:desk', entries: rows.map((one) => one.entry) },
      rows,
      needsSecond: false,
    },
    2000,
  );

test('show three grants without anything to unfold, and what needs thought first', () => {
  const text = textOf([
    row(0),
    row(1, { standing: 'changed', proposal: 'changed' }),
    row(2, { proposal: 'revoke', entry: entry(2, { detector: 'never-used', why: 'Nobody | used it' }) }),
  ]);
  assert.doesNotMatch(text, /<details>/);
  const order = ['orders-grant-1', 'orders-grant-2', 'orders-grant-0'].map((name) => text.indexOf(name));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.match(text, /Nobody \\\| used it/);
  for (const line of text.split('\n').filter((one) => one.startsWith('| **')))
    assert.equal(line.replaceAll(/\\./g, '').split('|').length, 8, line);
});

test('hold three hundred grants, and stay within the limit however many there are', () => {
  const many = (count: number, why?: string) =>
    textOf(
      Array.from({ length: count }, (_, i) =>
        row(i, { entry: entry(i, why === undefined ? {} : { detector: 'mover', why }) }),
      ),
    );
  const text = many(300);
  assert.match(text, /<details><summary><b>The rest \(300\)|### Nothing was found \(300\)/);
  assert.equal(text.match(/orders-grant-/g)?.length, 300);
  for (const one of [many(3000), many(3000, 'x'.repeat(5000)), many(1), many(400, '😀'.repeat(300))])
    assert.ok([...one].length < 65_536 - 2000 - 4000);
  assert.match(many(3000), /\d+ grants more, for a description holds no more: \d+ on `orders`/);
});

test('take apart what names would say to the forge', () => {
  const hostile = row(0, {
    entry: entry(0, {
      principal: 'user:@everyone|<!-- x -->',
      why: '@ann closes #1 | <b>',
      detector: 'mover',
    }),
  });
  const text = textOf([hostile]);
  assert.doesNotMatch(text.replaceAll(/`[^`]*`/g, ''), /@ann|#1\b(?<!\\#1)|<b>/);
});

const decision = fc.record(
  {
    kind: fc.constant('keep' as const),
    by: fc.constantFrom('user:ann', 'user:--dana'),
    at: fc.constant('2026-11-23T12:00:00Z'),
    until: fc.constant('2027-01-01'),
    reason: fc.string(),
  },
  { noNullPrototype: true },
);

test('answers are read back as they were written, with what people wrote around them', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(40), decision, fc.option(fc.string(), { nil: undefined }))),
      fc.constantFrom('', 'Please look.', 'two\n\nlines --> here'),
      (given, above) => {
        const answers: Answers = new Map(
          given.map(([number, one, digest]) => [
            number,
            { decision: one, ...(digest !== undefined && { digest }) },
          ]),
        );
        const marker = {
          ...{ version: 1 as const, campaign: 'q4', owner: 'group:desk', commit: null },
          answers: packAnswers(answers),
        };
        const body = joinPart(marker, 'our text', { above, below: 'below' });
        assert.deepEqual(parsePart(body), marker);
        assert.deepEqual(partsOf(body), { above, own: 'our text', below: 'below' });
        assert.deepEqual(
          new Map([...unpackAnswers(marker.answers, 41)].sort()),
          new Map([...answers].sort()),
        );
      },
    ),
  ));

test('an answer for all grants is one line, and no number lies beyond the list', () => {
  const keep = { kind: 'keep', by: 'user:ann', at: 'a', until: 'b', reason: 'c' } as const;
  const all: Answers = new Map(Array.from({ length: 300 }, (_, i) => [i, { decision: keep }]));
  const packed = packAnswers(all);
  assert.deepEqual(
    packed.map(({ of }) => of),
    ['0-299'],
  );
  assert.deepEqual([...unpackAnswers(packed, 300).keys()], [...all.keys()]);
  assert.equal(unpackAnswers([{ of: '0-999999', decision: keep }], 3).size, 3);
  assert.equal(parsePart('<!-- grantgate:campaign {"version":2} -->'), null);
});

test('names of campaigns are parts of branches, and nothing else is', () => {
  for (const name of ['2026-Q4', 'a', 'soc2.2026']) {
    assert.ok(isCampaignName(name), name);
    assert.equal(campaignOf(partBranch(name, 'group:the desk')), name);
  }
  for (const name of ['', '../x', 'a..b', 'a/b', 'a.lock', '-a', 'a.', 'x'.repeat(41), 'a b'])
    assert.ok(!isCampaignName(name), name);
  assert.equal(campaignOf('grantgate/review/group-desk/removal'), null);
  for (const scope of ['api:', 'orders', 'owner:desk', 'what:x', ''])
    assert.equal(parseScope(scope), null, scope);
  assert.deepEqual(parseScope('owner:group:a:b'), { kind: 'owner', name: 'group:a:b' });
});

test('the pace holds in every window, and what it promises is what it keeps', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('write' as const, 'notice' as const), { maxLength: 80 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      async (kinds, perMinute, noticesPerHour) => {
        let now = 0;
        const sleep = async (ms: number) => {
          now += ms;
        };
        const pace = createPace({ perMinute, noticesPerHour }, { now: () => now, sleep });
        const promised = pace.doneAt(kinds);
        const made: { kind: string; at: number }[] = [];
        for (const kind of kinds) {
          await pace.take(kind);
          made.push({ kind, at: now });
        }
        assert.equal(now, promised);
        for (const { at } of made) {
          const within = (ms: number) => made.filter((one) => one.at >= at && one.at < at + ms);
          assert.ok(within(60_000).length <= perMinute);
          assert.ok(within(3_600_000).filter(({ kind }) => kind === 'notice').length <= noticesPerHour);
        }
      },
    ),
  ));

test('one reminder is due at a time, none before half time, and none to who was asked later', () => {
  const rules = { reminder_days: [7, 1] } as Parameters<typeof reminderAt>[1];
  const when = { opened: '2026-11-01T00:00:00Z', due: '2026-11-30' };
  const at = (day: string, asked = '2026-11-01') =>
    reminderAt(when, rules, { asked: Date.parse(asked) / 1000, asOf: Date.parse(day) / 1000 });
  assert.deepEqual(
    ['2026-11-15', '2026-11-17', '2026-11-24', '2026-11-30', '2026-12-01'].map((day) => at(day)),
    [null, 'half', '7 days', '1 day', null],
  );
  assert.equal(at('2026-11-20', '2026-11-17'), null);
  assert.equal(
    reminderAt({ ...when, due: '2026-11-05' }, rules, {
      asked: Date.parse(when.opened) / 1000,
      asOf: Date.parse('2026-11-02') / 1000,
    }),
    null,
  );
});

test('an answer is about what the grant was when it was given, whatever else is answered later', async () => {
  const grant = (number: number, reason: string) => ({
    ...{
      id: `orders-grant-${number}`,
      principal: 'service:x',
      api: 'orders',
      covers: ['get', 'list'],
      reason,
    },
    ...{ owner: 'group:desk', expiresAt: null, state: 'active' },
  });
  const part = { owner: 'group:desk', entries: [entry(0), entry(1)] };
  const who = { login: 'max', principal: null, mayWrite: true };
  const baseWith = (reason: string) => {
    const grants = [grant(0, reason), grant(1, reason)];
    const organisation = {
      grants,
      people: new Map(),
      services: new Map(),
      memberships: new Map(),
      apis: new Map(),
    };
    return { organisation, grants: new Map(grants.map((one) => [one.id, one])), asOf: 0 };
  };
  const after = (before: Parameters<typeof answersOf>[2]['before'], text: string, reason: string) => {
    const known = baseWith(reason);
    const { organisation } = known;
    type Asked = Parameters<typeof answersOf>;
    const context = { who, at: '2026-11-24T12:00:00Z', organisation } as unknown as Asked[1];
    const asked = { part, before, frozen, base: known } as unknown as Asked[2];
    const ids = organisation.grants.map(({ id }) => id);
    return { answers: answersOf(parseCommands(text, ids).commands, context, asked).answers };
  };
  const digests = ({ answers }: { answers: Parameters<typeof unpackAnswers>[0] }) =>
    [...unpackAnswers(answers, 2)].map(([number, { digest }]) => [number, digest] as const);
  const first = after({ answers: [] }, '/revoke orders-grant-0', 'as it is');
  const [[, was] = []] = digests(first);
  assert.match(was ?? '', /^[0-9a-f]{16}$/);
  const second = after(first, '/revoke orders-grant-1', 'of another kind');
  assert.deepEqual(digests(second)[0], [0, was]);
  assert.notEqual(digests(second)[1]?.[1], was);
  // Who says it again says it of what it is now.
  const again = after(second, '/suspend orders-grant-0', 'of another kind');
  assert.notEqual(digests(again)[0]?.[1], was);
  // What is heard anew was said of what is frozen, as far as anybody knows.
  const comments = [{ key: 'c1', author: 'max', isBot: false, isEdited: false, isOurs: false, atMs: 0 }].map(
    (one) => ({ ...one, id: 1, kind: 'comment', body: '/revoke orders-grant-0' }),
  );
  type Hearing = Parameters<typeof hearAnew>;
  const forge = { comments: async () => comments, mayWrite: async () => true, comment: async () => {} };
  const on = { forge, frozen, base: baseWith('of another kind') } as unknown as Hearing[2];
  assert.deepEqual(digests(await hearAnew(part, { number: 1, body: '' }, on)), [[0, undefined]]);
});

test('use is told of a grant only where the records cover enough of it', async () => {
  const freezing = async (share: number, action = 'recertify') => {
    const grant = {
      ...{
        id: 'a',
        principal: 'service:x',
        api: 'orders',
        covers: ['get'],
        reason: 'r',
        owner: 'group:desk',
      },
      ...{ expiresAt: null, state: 'active', grantedAt: 0 },
    };
    const finding = {
      grant: 'a',
      action,
      owner: 'group:desk',
      detector: 'high-access',
      sentence: 's',
    };
    type Asked = Parameters<typeof freeze>;
    const given = {
      evidence: {
        organisation: {
          grants: [grant],
          apis: new Map(),
          review: { thresholds: { coverage: 0.9, brake: 0 } },
        },
        usage: { windows: async () => [{ allows: 3, daysUsed: 2 }] },
        ...{ coverage: { share: () => share }, from: 0, asOf: 86_400, tree: { revision: 'abc' } },
      },
      plan: {
        ...{ as_of: '1970-01-02T00:00:00Z', findings: [finding] },
        evidence: { from: '1970-01-01T00:00:00Z', records: 9, instances: 1, coverage: share },
      },
    } as unknown as Asked[0];
    const asked = { name: 'q4', scope: null, due: '1970-02-01', written: new Map() };
    return freeze(given, asked);
  };
  const used = async (share: number) => (await freezing(share)).entries[0]?.use;
  await assert.rejects(freezing(0.9, 'revoke'), { code: 'brake' }, 'nor more than may be taken away');
  assert.deepEqual([await used(0.9), await used(0.89)], [{ allows: 3, days: 2 }, undefined]);
});
