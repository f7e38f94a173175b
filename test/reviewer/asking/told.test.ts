import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { daysBefore, lastDue } from '../../../reviewer/asking/lastDue.ts';
import {
  askedInPlace,
  inTheirPlace,
  type Notice,
  tell,
  tellingOf,
  toldIn,
} from '../../../reviewer/asking/told.ts';
import type { Forge, ForgeComment } from '../../../reviewer/forge/forge.ts';
import { ForgeError } from '../../../reviewer/forge/forgeError.ts';
import { suite } from '../../_suite.ts';

const test = suite('what people are told of');

test('what a comment tells of reads back, names of a company’s own accounts too', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9][a-z0-9 -]{0,38}$/),
      fc.uniqueArray(name, { maxLength: 4 }),
      fc.stringMatching(/^[a-z `.]{1,60}$/),
      (key, who, text) => assert.deepEqual(toldIn(tellingOf({ key, who, text })), { key, who, text }),
    ),
  );
  assert.deepEqual(toldIn('<!-- grantgate:told half -->\r\n@ann-b_corp, @dana: it is open')?.who, [
    'ann-b_corp',
    'dana',
  ]);
  for (const other of ['half', ' <!-- grantgate:told half -->', '<!-- grantgate:told HALF -->\n', ''])
    assert.equal(toldIn(other), null, other);
});

/** A forge of one pull request. */
function forge(me: string | null, { approved = false, may = true } = {}) {
  const said: Pick<ForgeComment, 'author' | 'isBot' | 'body'>[] = [];
  const done: string[] = [];
  return {
    said,
    done,
    forge: {
      whoAmI: async () => me,
      comments: async () => said as ForgeComment[],
      isApproved: async () => approved,
      comment: async (_, body) => {
        if (!may) throw new ForgeError('forge-forbidden', 'POST', 'answered 403');
        done.push(`said ${toldIn(body)?.key}`);
        said.push({ author: me ?? 'grantgate[bot]', isBot: me === null, body });
        return {} as ForgeComment;
      },
      requestReviewers: async (_, { people }) => void done.push(`asked ${people.join()}`),
    } satisfies Pick<Forge, 'whoAmI' | 'comments' | 'comment' | 'isApproved' | 'requestReviewers'>,
  };
}
const half: Notice = { key: 'half', who: ['ann'], text: 'still open' };

test('each thing is told once, by a person’s token and by an app’s', async () => {
  for (const me of ['maintainer', null]) {
    const here = forge(me);
    assert.equal(await tell(here.forge, 1, [half]), true);
    assert.equal(await tell(here.forge, 1, [half]), false);
    assert.equal(await tell(here.forge, 1, [half, { ...half, key: '1 day' }]), true);
    assert.deepEqual(here.done, ['said half', 'said 1 day']);
  }
});

test('what somebody else writes silences nothing', async () => {
  const body = tellingOf(half);
  for (const [me, author, isBot] of [
    ['maintainer', 'ann', false],
    ['maintainer', 'grantgate[bot]', true],
    [null, 'ann', false],
  ] as const) {
    const here = forge(me);
    here.said.push({ author, isBot, body });
    assert.equal(await tell(here.forge, 1, [half]), true, author);
  }
});

test('asks before it says so; an approval makes that needless, and what may not be said fails nothing', async () => {
  const others = inTheirPlace('managers', 'silent', { owner: 'group:desk', names: ['max'] });
  const here = forge(null);
  assert.equal(await tell(here.forge, 1, [{ ...others, unlessApproved: () => false }]), true);
  assert.deepEqual(here.done, ['asked max', 'said managers']);
  assert.match(
    here.said[0]?.body ?? '',
    /^<!-- grantgate:told managers -->\n@max: `group:desk` has not said/,
  );
  const approved = forge(null, { approved: true });
  assert.equal(await tell(approved.forge, 1, [{ ...others, unlessApproved: () => false }]), false);
  assert.deepEqual(approved.done, []);
  assert.equal(await tell(forge(null, { may: false }).forge, 1, [half]), false);
});

test('of reminders that were missed the last one is due, and none that came before anybody was asked', () => {
  const day = 86_400;
  const timed = daysBefore(30 * day, [15, 3, 1]);
  const at = (days: number, after = 0) => lastDue(timed, after * day, days * day);
  assert.deepEqual(
    [14.9, 15, 26.9, 27, 29, 31].map((days) => at(days)),
    [null, '15 days', '15 days', '3 days', '1 day', '1 day'],
  );
  assert.equal(at(20, 15), null);
  assert.equal(at(27, 15), '3 days');
  assert.equal(lastDue([], 0, 1e9), null);
});

test('who was asked in the place of others is what the review says in a comment that nobody has changed', () => {
  const notice = (key: string, name: string) => ({ key, who: [name], text: 'you are asked' });
  const said = (
    key: string,
    name: string,
    changes: Partial<Pick<ForgeComment, 'author' | 'isBot' | 'isEdited'>> = {},
  ) => ({
    ...{ author: 'grantgate[bot]', isBot: true, isEdited: false, ...changes },
    body: tellingOf(notice(key, name)),
  });
  const comments = [
    said('managers', 'Mia'),
    said('api-owners', 'otto'),
    said('unanswered 2026-12-23', 'uma'),
    said('unanswered', 'ute'),
    said('15 days 2026-12-23', 'rita'),
    said('managers', 'eve', { author: 'eve', isBot: false }),
    said('managers', 'ed', { isEdited: true }),
  ];
  assert.deepEqual([...askedInPlace(comments, null)], ['mia', 'otto', 'uma', 'ute']);
  assert.deepEqual([...askedInPlace(comments, 'eve')], ['eve']);
});
