import * as assert from 'node:assert/strict';
import { campaign } from '../../../reviewer/campaign.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, daysAgo, logLines, organisationsOf, uses } from '../_review.ts';

const test = suite('a review dated ahead of a campaign');
const begin = organisationsOf(test);
const reviewed = (at: string) =>
  `role: reader\nreview: { decision: keep, by: user:dana@example.com, at: ${at}, reason: Needed }`;

test('is no answer to it, whenever its day comes', async () => {
  const here = await begin([
    { id: 'one', rest: reviewed('2099-01-01T00:00:00Z') },
    { id: 'soon', rest: reviewed(daysAgo(-9)) },
    { id: 'then', rest: reviewed(daysAgo(9)) },
  ]);
  await here.log(
    logLines(
      ['one', 'soon', 'then'].flatMap((id) => uses(id, ['get', 'list'], 3)),
      { days: 45 },
    ),
  );
  const { root, decisions, opa } = here;
  const asked = { name: 'q4', scope: null, due: '2026-12-23', asOfMs };
  const { report } = await campaign({ root, decisions: [decisions], opa, ...asked });
  assert.deepEqual(
    report.parts.flatMap(({ grants }) =>
      grants.map(({ grant, proposed, outcome }) => [grant, proposed, outcome]),
    ),
    ['one', 'soon', 'then'].map((id) => [id, 'keep', 'open']),
  );
});
