import * as assert from 'node:assert/strict';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import { suite } from '../../_suite.ts';
import { type Northwind, northwind, refusal, token, where } from '../_northwind.ts';

const test = suite('forge faults');
let world: Northwind;

test.before(async () => {
  world = await northwind();
});
test.after(() => world.close());

test('answers broken requests in GitHub’s shape', async () => {
  const post = (body: string) =>
    fetch(`${world.forge.api}/repos/northwind/access/pulls`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body,
    });
  assert.equal((await post('{')).status, 400);
  assert.equal((await post('"text"')).status, 400);
  assert.equal((await post('{"title":{}}')).status, 422);
  assert.equal((await post(`{"title":"${'x'.repeat(2_000_000)}"}`)).status, 413);
});

test('makes any call go wrong that a test wants to, and only as often', async () => {
  const list = () => world.octokit.pulls.list(where);
  for (const status of [403, 404, 422, 503]) {
    world.forge.fail({ method: 'GET', path: /\/pulls$/, status });
    assert.equal((await refusal(list())).status, status);
    assert.equal((await list()).status, 200);
  }
  world.forge.fail({ path: /\/pulls$/, status: 'reset' });
  await assert.rejects(list());
  const disarm = world.forge.fail({ path: /\/pulls$/, status: 'hang', times: 5 });
  await assert.rejects(world.octokit.pulls.list({ ...where, request: { signal: AbortSignal.timeout(100) } }));
  disarm();
  assert.equal((await list()).status, 200);
  world.forge.fail({ method: 'POST', path: /\/issues$/, status: 502, when: 'after' });
  const before = (await world.octokit.issues.listForRepo(where)).data.length;
  await refusal(world.octokit.issues.create({ ...where, title: 'Made, yet unanswered' }));
  assert.equal((await world.octokit.issues.listForRepo(where)).data.length, before + 1);
});

test('answers what stood before, as a list that lags and a replica that is behind do', async () => {
  const create = (title: string) => world.octokit.issues.create({ ...where, title });
  const first = (await create('Seen')).data.number;
  world.forge.fail({ method: 'GET', path: /\/issues(\/\d+)?$/, status: 'stale', times: 2 });
  const { number } = (await create('Not seen yet')).data;
  await world.octokit.issues.update({ ...where, issue_number: first, title: 'Renamed' });
  const numbers = async () =>
    (await world.octokit.issues.listForRepo(where)).data.map((issue) => issue.number);
  assert.ok(!(await numbers()).includes(number));
  assert.equal((await world.octokit.issues.get({ ...where, issue_number: first })).data.title, 'Seen');
  assert.ok((await numbers()).includes(number));
  assert.equal((await world.octokit.issues.get({ ...where, issue_number: first })).data.title, 'Renamed');
});

test('gets along with the retry and throttling plugins', async () => {
  const Patient = Octokit.plugin(retry, throttling);
  const octokit = new Patient({
    auth: token,
    baseUrl: world.forge.api,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    retry: { retryAfterBaseValue: 1 },
    throttle: { onRateLimit: () => true, onSecondaryRateLimit: () => true, retryAfterBaseValue: 1 },
  });
  world.forge.fail({ path: /\/pulls$/, status: 503, times: 2 });
  assert.equal((await octokit.pulls.list(where)).status, 200);
  world.forge.fail({
    path: /\/pulls$/,
    status: 403,
    message: 'You have exceeded a secondary rate limit.',
    headers: { 'retry-after': '1' },
  });
  assert.equal((await octokit.pulls.list(where)).status, 200);
});
