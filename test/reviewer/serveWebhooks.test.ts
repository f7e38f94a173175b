import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { serveWebhooks } from '../../reviewer/serveWebhooks.ts';
import { suite } from '../_suite.ts';

const test = suite('webhooks of the forge');
const secret = 'webhook-secret-0123456789';
const seen: number[] = [];
const gate = Promise.withResolvers<void>();
const listener = await serveWebhooks({
  port: 0,
  secret,
  slug: 'acme/access',
  answer: async (number) => {
    seen.push(number);
    if (number === 1) await gate.promise;
    if (number === 9) throw new Error('the forge is gone');
    return { number, handled: 0, changed: false };
  },
});
let closed = false;
test.after(async () => {
  if (!closed) await listener.close();
});

const about = (number: number, changes: object = {}) => ({
  action: 'created',
  repository: { full_name: 'Acme/access' },
  issue: { number, pull_request: {} },
  ...changes,
});
async function deliver(
  body: unknown,
  { event = 'issue_comment', signed = secret, form = false, method = 'POST' } = {},
): Promise<number> {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  const text = form ? new URLSearchParams({ payload: json }).toString() : json;
  const answer = await fetch(listener.url, {
    method,
    headers: {
      'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
      'x-github-event': event,
      'x-hub-signature-256': `sha256=${createHmac('sha256', signed).update(text).digest('hex')}`,
    },
    ...(method === 'POST' && { body: text }),
  });
  return answer.status;
}

test('/metrics is there where it is given, for whoever asks by GET', async () => {
  let runs = 0;
  const answer = async (number: number) => ({ number, handled: 0, changed: false });
  const metrics = async () => `grantgate_review_grants ${++runs}\n`;
  const other = await serveWebhooks({ port: 0, secret, slug: 'acme/access', answer, metrics });
  try {
    const of = async (path: string, method = 'GET') => {
      const said = await fetch(other.url + path, { method });
      return `${said.status} ${await said.text()}`;
    };
    assert.equal(await of('/metrics'), '200 grantgate_review_grants 1\n');
    assert.equal(await of('/metrics'), '200 grantgate_review_grants 2\n');
    assert.deepEqual([await of('/'), await of('/metrics', 'PUT')], ['405 ', '405 ']);
    assert.equal((await fetch(`${listener.url}/metrics`)).status, 405);
  } finally {
    await other.close();
  }
});

test('takes what is signed and speaks of our pull requests, and nothing else', async () => {
  for (const [body, options, status] of [
    [about(4), { signed: 'another secret' }, 401],
    [about(4), { method: 'GET' }, 405],
    ['{', {}, 204],
    ['null', {}, 204],
    [about(4, { action: 'edited' }), {}, 204],
    [about(4, { repository: { full_name: 'eve/access' } }), {}, 204],
    [about(4, { issue: { number: 4 } }), {}, 204],
    [about(4), { event: 'push' }, 204],
    [about(4, { issue: { number: '4', pull_request: {} } }), {}, 204],
  ] as const)
    assert.equal(await deliver(body, options), status, JSON.stringify([body, options]));
  const most = 25 * 2 ** 20;
  assert.deepEqual([await deliver(' '.repeat(most)), await deliver(' '.repeat(most + 1))], [204, 413]);
  assert.deepEqual(seen, []);
});

test('one run after the other; what waits already is not asked for twice; a failure ends nothing', async () => {
  assert.equal(await deliver(about(1)), 202);
  assert.equal(await deliver(about(2), { form: true }), 202);
  assert.equal(await deliver(about(2)), 202);
  assert.equal(await deliver(about(9)), 202);
  const review = {
    action: 'submitted',
    repository: { full_name: 'acme/access' },
    pull_request: { number: 3 },
  };
  assert.equal(await deliver(review, { event: 'pull_request_review' }), 202);
  assert.deepEqual(seen, [1]);
  gate.resolve();
  await listener.close();
  closed = true;
  assert.deepEqual(seen, [1, 2, 9, 3]);
});

test('an empty secret is refused', async () => {
  await assert.rejects(
    serveWebhooks({
      port: 0,
      secret: '',
      slug: 'a/b',
      answer: async (number) => ({ number, handled: 0, changed: false }),
    }),
    /must not be empty/,
  );
});
