import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { access, daysAgo, found, logLines, place, rules } from '../_review.ts';

const test = suite('exemptions');
const rest = `role: reader\ngranted: ${daysAgo(2)}`;
const here = await place({
  ...access([
    { id: 'idle-a', rest },
    { id: 'idle-b', rest },
    { id: 'of-bob', principal: 'user:bob@example.com', rest },
  ]),
});
test.after(() => here.remove());
await here.log(logLines([]));
const reviewed = async (exemptions: string) => {
  await here.write({ 'grants/review.yaml': `${rules}exemptions:\n${exemptions}` });
  const result = await here.review();
  return [found(result).map((line) => line.split(' ')[0]), result.plan.exempt.map(({ grant }) => grant)];
};

test('speak for their own grant and detector, and for nobody else’s', async () => {
  const exempt = (grant: string, detector: string, until = '2027-01-31') =>
    `  - { grant: ${grant}, detector: ${detector}, reason: r, until: ${until} }\n`;
  assert.deepEqual(await reviewed(exempt('idle-a', 'never-used')), [['idle-b:', 'of-bob:'], ['idle-a']]);
  assert.deepEqual(await reviewed(exempt('idle-b', 'never-used')), [['idle-a:', 'of-bob:'], ['idle-b']]);
  assert.deepEqual(await reviewed(exempt('idle-a', 'never-used') + exempt('idle-b', 'dormant')), [
    ['idle-b:', 'of-bob:'],
    ['idle-a'],
  ]);
  assert.deepEqual(await reviewed(exempt('idle-a', 'never-used', '2026-11-01')), [
    ['idle-a:', 'idle-b:', 'of-bob:'],
    [],
  ]);
});
