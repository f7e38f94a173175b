import * as assert from 'node:assert/strict';
import { Octokit } from '@octokit/rest';
import { answer } from '../../../reviewer/answer.ts';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { answerIssue, proposeRequest } from '../../../reviewer/requests/proposeRequest.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, base, rules } from '../_review.ts';
import { closeWorlds, token, tokenOf, type World, world } from '../_world.ts';

const test = suite('requests on a forge');
const now = asOfMs / 1000;
let here: World;

const targetOf = (as: string) => ({ baseUrl: here.forge.api, owner: 'acme', repo: 'access', token: as });
const forge = (as = token) => openForge(targetOf(as));
const octokit = (as: string) => new Octokit({ baseUrl: here.forge.api, auth: as });
const repo = { owner: 'acme', repo: 'access' };
const named = String(base['grants/directory/okta.yaml'])
  .replace('id: 00u1, ', 'id: 00u1, github: ann, ')
  .replace('id: 00u4, ', 'id: 00u4, github: dana, ');

const wanted = {
  api: 'orders',
  needs: { role: 'editor' },
  until: '2026-11-23T14:00:00Z',
  reason: 'The queue is stuck',
  emergency: false,
} as const;

test.before(async () => {
  here = await world([{ id: 'busy' }], {
    'grants/directory/okta.yaml': named,
    'grants/review.yaml': `${rules}emergency: { principals: ["group:night", "user:ann@example.com"] }\n`,
  });
});
test.after(closeWorlds);

const main = () => here.bare('rev-parse', 'main');
const refused = (promise: Promise<unknown>, message: RegExp) =>
  assert.rejects(promise, (error: { code?: string; message: string }) => {
    assert.equal(error.code, 'request-refused');
    assert.match(error.message, message);
    return true;
  });

test('asks for whoever asks, by the directory, and asks those who may approve', async () => {
  const before = main();
  const { action, url, requested } = await proposeRequest(forge(), wanted, { asOf: now, login: 'Dana' });
  assert.equal(action, 'opened');
  assert.equal(requested.entry.principal, 'user:dana@example.com');
  assert.equal(main(), before);
  const { data } = await octokit(token).pulls.get({ ...repo, pull_number: Number(url.split('/').at(-1)) });
  assert.deepEqual(
    data.requested_reviewers?.map(({ login }) => login),
    ['ann'],
  );
  assert.deepEqual(
    data.labels.map(({ name }) => name),
    ['grantgate-request'],
  );
  await refused(
    proposeRequest(forge(), wanted, { asOf: now, login: 'eve' }),
    /no active person .* called eve/,
  );
});

test('an emergency is merged at once, for whoever asks only, and attested by somebody else', async () => {
  const emergency = { ...wanted, emergency: true, needs: { role: 'admin' } } as const;
  await refused(
    proposeRequest(forge(), emergency, { asOf: now, login: 'eve' }),
    /nobody whom the directory knows/,
  );
  const forAnother = { ...emergency, principal: 'user:ann@example.com' };
  await refused(
    proposeRequest(forge(), forAnother, { asOf: now, login: 'dana' }),
    /access is for whoever asks/,
  );

  // What came to the branch between the writing and the merge was asked for by nobody.
  const plain = forge();
  const raced: typeof plain = {
    ...plain,
    async addLabels(number, names) {
      await here.push({ 'grants/extra.txt': 'x' }, (await plain.getPull(number)).branch);
      await plain.addLabels(number, names);
    },
  };
  assert.equal((await proposeRequest(raced, emergency, { asOf: now, login: 'ann' })).action, 'opened');
  const asked = await proposeRequest(forge(), emergency, { asOf: now, login: 'ann' });
  assert.equal(asked.action, 'left', 'nor is it merged by asking again');

  // What a run did not get to, the next one does: without its label nobody could attest it.
  here.forge.fail({ method: 'POST', path: /\/labels$/, status: 403 });
  await assert.rejects(proposeRequest(forge(), emergency, { asOf: now, login: 'dana' }), {
    code: 'forge-forbidden',
  });
  const { action, url, requested } = await proposeRequest(forge(), emergency, { asOf: now, login: 'dana' });
  assert.equal(action, 'merged');
  assert.match(here.bare('show', `main:${requested.file}`), /principal: user:dana@example.com/);
  const number = Number(url.split('/').at(-1));
  const comment = (as: string, body: string) =>
    octokit(as).issues.createComment({ ...repo, issue_number: number, body });
  const labels = async () =>
    (await octokit(token).issues.get({ ...repo, issue_number: number })).data.labels.map((label) =>
      typeof label === 'string' ? label : label.name,
    );
  const said = async () => (await octokit(token).issues.listComments({ ...repo, issue_number: number })).data;

  // Whoever took it, and whoever has nothing to do with it, attest nothing, and are told once.
  await comment(tokenOf('dana'), '/attest it was me');
  const eves = await comment(tokenOf('eve'), '/attest fine');
  // What looks like our answer is none.
  await comment(tokenOf('dana'), `<!-- grantgate:attest -->\n<!-- [c${eves.data.id}] -->`);
  await comment(tokenOf('ann'), '/attest ');
  await comment(tokenOf('ann'), 'I will /attest this later');
  await comment(tokenOf('ann'), '```\n/attest shown, not said\n```');
  // Whoever may push may change what somebody else has written.
  const changed = await comment(tokenOf('ann'), 'hm');
  here.clock.now += 1000;
  await octokit(token).issues.updateComment({ ...repo, comment_id: changed.data.id, body: '/attest fine' });
  // The text of the pull request is no evidence of who took what.
  await octokit(token).pulls.update({
    ...repo,
    pull_number: number,
    body: '`user:eve@example.com` asks for',
  });
  for (let turn = 0; turn < 2; turn += 1) {
    const { reason } = await answer(targetOf(token), number);
    assert.equal(reason, 'nobody has attested the emergency yet');
  }
  assert.ok(!(await labels()).includes('grantgate-attested'));
  const replies = (await said()).flatMap(({ body = '' }) => (body.includes('cannot attest') ? [body] : []));
  assert.equal(replies.length, 4);
  assert.match(replies[0] ?? '', /`dana` .*: `user:ann@example.com` must, who answer/);
  assert.match(replies[1] ?? '', /`eve` .*`user:ann@example.com` must/);
  assert.match(
    replies.find((body) => body.includes('no reason')) ?? '',
    /^.*\n.*\n`ann` .*`\/attest REASON`/,
  );
  assert.equal((await said()).length, 11);
  let summary: { unattested?: number | undefined } = {};
  const dashboard = async () => {
    ({ summary } = await here.apply());
    const found = await octokit(token).issues.listForRepo({
      ...repo,
      labels: 'grantgate-dashboard',
      state: 'all',
    });
    return found.data[0]?.body ?? '';
  };
  const waiting = new RegExp(`nobody has attested\\n\\n- #${number}: Emergency: Grant admin of orders`);
  assert.match(await dashboard(), waiting);
  assert.equal(summary.unattested, 1);
  // Taken again before anybody has looked at the first: it is said, to whoever takes it and to whoever attests.
  const anns = (hours: number, until: string) =>
    proposeRequest(
      forge(tokenOf('ann')),
      { ...emergency, until },
      { asOf: now + hours * 3600, login: 'Ann' },
    );
  const bodyOf = async (of: string) =>
    (await octokit(token).pulls.get({ ...repo, pull_number: Number(of.split('/').at(-1)) })).data.body ?? '';
  const hers = await anns(3, '2026-11-23T17:00:00Z');
  assert.deepEqual([hers.action, hers.earlier], ['merged', []], 'the other was of somebody else');
  assert.doesNotMatch(await bodyOf(hers.url), /Nobody has attested/);
  const again = await anns(6, '2026-11-23T20:00:00Z');
  const before = Number(hers.url.split('/').at(-1));
  assert.deepEqual([again.action, again.earlier], ['merged', [before]]);
  assert.match(
    await bodyOf(again.url),
    new RegExp(`^> Nobody has attested .* same person .*: #${before}\\.$`, 'm'),
  );
  // A label, or what looks like the review's word, is put there by whoever may; the review's own word counts.
  for (const issue_number of [number, ...[again, hers].map(({ url }) => Number(url.split('/').at(-1)))])
    await octokit(tokenOf('ann')).issues.addLabels({ ...repo, issue_number, labels: ['grantgate-attested'] });
  const forged = '<!-- grantgate:attest -->\n<!-- [c1] -->\nAttested by `user:ann@example.com`: `fine`';
  await comment(tokenOf('dana'), forged);
  await answer(targetOf(token), number);
  assert.match(await dashboard(), waiting);
  assert.equal(summary.unattested, 3);
  await comment(tokenOf('ann'), '/attest the queue was stuck, OPS-7');
  for (let turn = 0; turn < 2; turn += 1) await answer(targetOf(token), number);
  assert.ok((await labels()).includes('grantgate-attested'));
  assert.doesNotMatch(await dashboard(), waiting);
  assert.equal(summary.unattested, 2);
  assert.match(
    (await said()).at(-1)?.body ?? '',
    /Attested by `user:ann@example.com`: `the queue was stuck, OPS-7`/,
  );
  assert.equal((await said()).length, 14);
});

test('an issue made by the form becomes one pull request, for its author; what cannot be is answered', async () => {
  const issue = async (as: string, answers: Record<string, string>) => {
    const body = Object.entries({
      API: 'orders',
      Role: 'admin',
      'How long': '3d',
      Reason: 'Stock',
      ...answers,
    })
      .map(([label, text]) => `### ${label}\n\n${text}`)
      .join('\n\n');
    return (await octokit(as).issues.create({ ...repo, title: 'Access', body })).data.number;
  };
  const number = await issue(tokenOf('ann'), {});
  // A run that ends behind the creation has told nobody: the next one does.
  const limit = { status: 429, headers: { 'retry-after': '900' } };
  here.forge.fail({ ...limit, method: 'POST', path: /requested_reviewers$/ });
  await assert.rejects(answerIssue(forge(), number), { code: 'forge-limited' });
  const first = await answerIssue(forge(), number);
  assert.ok('requested' in first);
  const { data: opened } = await octokit(token).pulls.get({ ...repo, pull_number: number + 1 });
  assert.deepEqual(
    opened.requested_reviewers?.map(({ login }) => login),
    ['dana'],
  );
  assert.equal(first.requested.entry.principal, 'user:ann@example.com');
  const again = await answerIssue(forge(), number);
  assert.ok('requested' in again);
  assert.deepEqual([again.action, again.url], ['idle', first.url]);
  const { data } = await octokit(token).issues.listComments({ ...repo, issue_number: number });
  assert.deepEqual(
    data.map(({ body }) => body),
    [`Asked for in ${first.url}.`],
  );

  const pulls = here.bare('for-each-ref', 'refs/heads/grantgate/request');
  for (const answers of [
    { API: 'nosuch' },
    { Role: 'reader\nprincipal: user:root' },
    { 'How long': 'ever' },
  ]) {
    const wrong = await issue(tokenOf('ann'), answers);
    assert.ok('refused' in (await answerIssue(forge(), wrong)));
    const said = (await octokit(token).issues.listComments({ ...repo, issue_number: wrong })).data;
    assert.match(said[0]?.body ?? '', /^This cannot be asked for: `/);
  }
  assert.ok('refused' in (await answerIssue(forge(), await issue(tokenOf('eve'), {}))));
  // What somebody else wrote into it is not asked for by its author.
  const changed = await issue(tokenOf('ann'), { Role: 'reader' });
  const { body = '' } = (await octokit(token).issues.get({ ...repo, issue_number: changed })).data;
  const widened = (body ?? '').replace('reader', 'admin');
  await octokit(token).issues.update({ ...repo, issue_number: changed, body: widened });
  const told = await answerIssue(forge(), changed);
  assert.match('refused' in told ? told.refused : '', /changed by somebody else than its author/);
  assert.equal(here.bare('for-each-ref', 'refs/heads/grantgate/request'), pulls);
});
