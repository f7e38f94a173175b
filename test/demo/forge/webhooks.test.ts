import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind, where } from '../_northwind.ts';

const test = suite('forge webhooks');
type Received = { headers: IncomingHttpHeaders; body: Buffer; at: number };
let received: Received[] = [];
let receiver: Server;
let silent: Server;
let world: Northwind;

const listen = async (server: Server) => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
};

test.before(async () => {
  receiver = createServer(async (request, response) => {
    const at = performance.now();
    received.push({ headers: request.headers, body: await buffer(request), at });
    response.end();
  });
  silent = createServer(() => {});
  world = await northwind({
    webhooks: [
      { url: await listen(silent), secret: 'unused' },
      { url: 'http://127.0.0.1:9/down', secret: 'unused' },
      { url: await listen(receiver), secret: 'shared' },
    ],
  });
});
test.after(async () => {
  await world.close();
  for (const server of [receiver, silent]) {
    server.closeAllConnections();
    server.close();
  }
});
test.before.each(() => {
  received = [];
});

async function until(count: number): Promise<Received[]> {
  const limit = performance.now() + 10_000;
  while (received.length < count) {
    if (performance.now() > limit) throw new Error(`only ${received.length} of ${count} webhooks came`);
    await new Promise((done) => setTimeout(done, 5));
  }
  return received;
}

const named = (events: Received[], name: string) =>
  events
    .filter((event) => event.headers['x-github-event'] === name)
    .map((event) => JSON.parse(event.body.toString()));

test('tells of a push, signed with the shared secret over the exact bytes', async () => {
  const after = await world.push('hook', { 'grants.yaml': lines({ 2: 'two' }) });
  const [event] = await until(1);
  assert.equal(event?.headers['x-github-event'], 'push');
  assert.match(String(event?.headers['x-github-delivery']), /^[0-9a-f-]{36}$/);
  const expected = createHmac('sha256', 'shared')
    .update(event?.body ?? '')
    .digest('hex');
  assert.equal(event?.headers['x-hub-signature-256'], `sha256=${expected}`);
  const push = JSON.parse(String(event?.body));
  assert.deepEqual(
    [push.ref, push.before, push.after, push.created, push.deleted, push.forced],
    ['refs/heads/hook', '0'.repeat(40), after, true, false, false],
  );
  assert.deepEqual([push.repository.full_name, push.pusher.name], ['northwind/access', 'grantgate-bot']);
  assert.equal(push.head_commit.id, after);
});

test('tells of pull requests opened, pushed to and closed, and of a forced push', async () => {
  await world.push('life', { 'grants.yaml': lines({ 4: 'four' }) });
  const number = await world.open('life');
  await world.push('life', { 'grants.yaml': lines({ 4: 'quatre' }) });
  await world.octokit.pulls.update({ ...where, pull_number: number, state: 'closed' });
  const events = await until(5);
  assert.deepEqual(
    named(events, 'pull_request').map((event) => [event.action, event.number]),
    [
      ['opened', number],
      ['synchronize', number],
      ['closed', number],
    ],
  );
  assert.equal(named(events, 'push').at(-1).forced, true);
});

test('tells of a merge before anything else, however slow or dead another receiver is', async () => {
  await world.push('soon', { 'grants.yaml': lines({ 6: 'six' }) });
  const number = await world.open('soon');
  await world.octokit.pulls.get({ ...where, pull_number: number });
  await until(2);
  received = [];
  const before = await git(world.bare, 'rev-parse', 'main');
  const after = await world.forge.merge(number);
  const events = await until(2);
  const push = JSON.parse(String(events[0]?.body));
  assert.deepEqual([push.ref, push.before, push.after], ['refs/heads/main', before, after]);
  assert.deepEqual(push.commits.at(-1)?.id, after);
  const closed = named(events, 'pull_request')[0];
  assert.deepEqual([closed.action, closed.pull_request.merged], ['closed', true]);
});

test('tells of comments', async () => {
  const issue = await world.octokit.issues.create({ ...where, title: 'Dashboard' });
  await world.octokit.issues.createComment({ ...where, issue_number: issue.data.number, body: '/why' });
  const [event] = named(await until(1), 'issue_comment');
  assert.deepEqual(
    [event.action, event.comment.body, event.issue.number],
    ['created', '/why', issue.data.number],
  );
});

test('notes what became of each delivery', () => {
  const down = world.forge.deliveries.find((delivery) => delivery.url.endsWith('/down'));
  const up = world.forge.deliveries.find((delivery) => delivery.status === 200);
  assert.match(down?.error ?? '', /ECONNREFUSED|bad port/i);
  assert.equal(up?.error, null);
});
