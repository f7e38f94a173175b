import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { daysBefore, lastDue } from '../../../reviewer/asking/lastDue.ts';
import { askedInPlace, type Notice, noticeIn, noticeText } from '../../../reviewer/asking/notice.ts';
import { notify } from '../../../reviewer/asking/notify.ts';
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
      (key, who, text) => assert.deepEqual(noticeIn(noticeText({ key, who, text })), { key, who, text }),
    ),
  );
  assert.deepEqual(noticeIn('<!-- grantgate:told half -->\r\n@ann-b_corp, @dana: it is open')?.who, [
    'ann-b_corp',
    'dana',
  ]);
  for (const other of ['half', ' <!-- grantgate:told half -->', '<!-- grantgate:told HALF -->\n', ''])
    assert.equal(noticeIn(other), null, other);
});

/** A forge of one pull request. */
function forge({ approved = false, may = true } = {}) {
  const said: Pick<ForgeComment, 'isOurs' | 'body'>[] = [];
  const done: string[] = [];
  return {
    said,
    done,
    forge: {
      comments: async () => said as ForgeComment[],
      isApproved: async (_, answers) => {
        done.push(`asked of approvals, dana ${answers?.('dana') === true ? 'counts' : 'does not count'}`);
        return approved;
      },
      comment: async (_, body) => {
        if (!may) throw new ForgeError('forge-forbidden', 'POST', 'answered 403');
        done.push(`said ${noticeIn(body)?.key}`);
        said.push({ isOurs: true, body });
      },
      requestReviewers: async (_, { people }) => void done.push(`asked ${people.join()}`),
    } satisfies Pick<Forge, 'comments' | 'comment' | 'isApproved' | 'requestReviewers'>,
  };
}
const half: Notice = { key: 'half', who: ['ann'], text: 'still open' };

test('each notice is given once, and what somebody else writes silences none', async () => {
  const here = forge();
  here.said.push({ isOurs: false, body: noticeText(half) });
  assert.equal(await notify(here.forge, 1, [half]), true);
  assert.equal(await notify(here.forge, 1, [half]), false);
  assert.equal(await notify(here.forge, 1, [half, { ...half, key: '1 day' }]), true);
  assert.deepEqual(here.done, ['said half', 'said 1 day']);
});

test('asks before it says so; an approval, asked of once, makes what waits for it needless, and what may not be said fails nothing', async () => {
  const others: Notice = { key: 'managers', who: ['max'], text: 'x', asks: true, unlessApproved: true };
  const later: Notice = { ...half, unlessApproved: true };
  const answers = (login: string) => login === 'dana';
  const here = forge();
  assert.equal(await notify(here.forge, 1, [others, later], answers), true);
  assert.deepEqual(here.done, [
    'asked of approvals, dana counts',
    ...['asked max', 'said managers', 'said half'],
  ]);
  assert.equal(await notify(here.forge, 1, [others, later], answers), false);
  assert.equal(here.done.length, 4, 'nobody is asked of what has been said');
  const approved = forge({ approved: true });
  assert.equal(await notify(approved.forge, 1, [others, { ...half, key: 'now' }, later]), true);
  assert.deepEqual(approved.done, ['asked of approvals, dana does not count', 'said now']);
  assert.equal(await notify(forge({ may: false }).forge, 1, [half]), false);
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
  const said = (key: string, name: string, isOurs = true) => ({
    isOurs,
    body: noticeText({ key, who: [name], text: 'you are asked' }),
  });
  const comments = [
    said('managers', 'Mia'),
    said('api-owners', 'otto'),
    said('unanswered 2026-12-23', 'uma'),
    said('unanswered', 'ute'),
    said('15 days 2026-12-23', 'rita'),
    said('managers', 'eve', false),
  ];
  assert.deepEqual([...askedInPlace(comments)], ['mia', 'otto', 'uma', 'ute']);
});
