import * as assert from 'node:assert/strict';
import { noticeText } from '../../../reviewer/asking/notice.ts';
import type { ForgeComment, ForgePull } from '../../../reviewer/forge/forge.ts';
import { periodReport } from '../../../reviewer/periodReport.ts';
import { noticesWithin } from '../../../reviewer/report/noticesOf.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, daysAgo, logLines, organisationsOf, uses } from '../_review.ts';

const test = suite('the page of a report');
const begin = organisationsOf(test);

test('what is suspended or over is not counted as unused, as by runs of the review', async () => {
  const here = await begin([
    { id: 'used' },
    { id: 'idle' },
    { id: 'paused', rest: 'role: reader\nstate: suspended' },
    { id: 'over', rest: `role: reader\nexpires: ${daysAgo(3).slice(0, 10)}` },
  ]);
  await here.log(logLines(uses('used', ['get'], 2)));
  const { summary } = await here.review();
  assert.equal(summary.unused, 0.5);
  const period = { from: asOfMs / 1000 - 10 * 86_400, to: asOfMs / 1000 };
  const options = { root: here.root, revision: 'HEAD', period, nowMs: asOfMs, gateways: [] };
  const { pack } = await periodReport({ ...options, decisions: [here.decisions], opa: here.opa });
  const page = pack.get('index.html') ?? '';
  assert.match(page, /<b>50 %<\/b>active and unused/);
  assert.match(page, /nobody used by tier[\s\S]*?50 %/);
});

test('what people were told belongs to the period in which they were, and its end to the next one', async () => {
  const told = (key: string, at: number, isOurs = true) => ({
    ...{ isOurs, author: 'bot', atMs: at * 1000 },
    body: noticeText({ key, who: ['ann'], text: 'it is open' }),
  });
  const comments = [told('a', 99), told('b', 100), told('c', 199), told('d', 200), told('e', 150, false)];
  const asked: number[] = [];
  const forge = {
    comments: async (number: number) => {
      asked.push(number);
      return comments as ForgeComment[];
    },
  };
  const pull = (number: number, branch: string, createdMs: number) => ({ number, branch, createdMs });
  const branch = 'grantgate/review/group-desk/removal';
  const pulls = [pull(3, branch, 200_000), pull(2, 'feature', 0), pull(1, branch, 199_999)] as ForgePull[];
  const found = await noticesWithin(forge, pulls, { from: 100, to: 200 });
  assert.deepEqual(
    found.map(({ owner, number, notices }) => [owner, number, notices.map(({ key }) => key).join()]),
    [['group:desk', 1, 'b,c']],
  );
  assert.deepEqual(asked, [1]);
});
