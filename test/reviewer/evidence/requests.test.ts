import * as assert from 'node:assert/strict';
import { reviewFile } from '../../../bundle/grants/reviewRules.ts';
import { readRequests } from '../../../reviewer/evidence/requests.ts';
import { suite } from '../../_suite.ts';

const test = suite('requests');
const window = { sources: [], from: 1_795_000_000, to: 1_795_086_400, byTime: false };

test('reading ends when it is told to between what was counted and what was asked', async () => {
  const review = reviewFile.parse({});
  const quiet = await readRequests({ ...window, rules: { review } });
  assert.equal(quiet.records, 0);
  await quiet.close();
  const ending = new AbortController();
  const rules = {
    get review() {
      ending.abort();
      return review;
    },
  };
  await assert.rejects(readRequests({ ...window, rules, signal: ending.signal }), { code: 'aborted' });
});
