import * as assert from 'node:assert/strict';
import { periodReport } from '../../../reviewer/periodReport.ts';
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
