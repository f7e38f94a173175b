import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { checkPush, forges } from '../../../gateway/admin/checkPush.ts';
import { suite } from '../../_suite.ts';

const test = suite('checkPush');

const secret = 'a secret of the repository';
const webhook = { secret, branch: 'main' };
const after = 'a'.repeat(40);
const push = (ref = 'refs/heads/main') => Buffer.from(JSON.stringify({ ref, before: '0'.repeat(40), after }));
const sign = (body: Uint8Array, key = secret) =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
const headers = (body: Uint8Array, more: Record<string, string | string[] | undefined> = {}) => ({
  'content-type': 'application/json',
  'x-github-event': 'push',
  'x-hub-signature-256': sign(body),
  ...more,
});
const check = (body: Uint8Array, more = {}) =>
  checkPush('github', { headers: headers(body, more), body }, webhook);

test('takes a signed push to the branch', () => {
  assert.deepEqual(check(push()), { kind: 'push', ref: 'refs/heads/main', after });
  assert.equal(check(push(), { 'content-type': 'application/json; charset=utf-8' }).kind, 'push');
});

test('takes a signed push that comes as a form', () => {
  const form = (text: string) => Buffer.from(text);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal(
    check(form(new URLSearchParams({ payload: push().toString() }).toString()), type).kind,
    'push',
  );
  for (const text of ['', 'payload=', 'payload=%7B%7D', `other=${encodeURIComponent(push().toString())}`])
    assert.throws(() => check(form(text), type), { code: 'webhook-malformed' });
  assert.throws(() => check(push(), type), { code: 'webhook-malformed' });
});

test('ignores pushes to other branches, pings and other events', () => {
  for (const ref of ['refs/heads/mainline', 'refs/heads/x/main', 'refs/tags/main', 'main'])
    assert.deepEqual(check(push(ref)), { kind: 'ignored', reason: 'branch' }, ref);
  assert.deepEqual(check(push(), { 'x-github-event': 'ping' }), { kind: 'ignored', reason: 'ping' });
  assert.deepEqual(check(push(), { 'x-github-event': 'issues' }), { kind: 'ignored', reason: 'event' });
  assert.deepEqual(check(push(), { 'x-github-event': undefined }), { kind: 'ignored', reason: 'event' });
});

test('refuses a delivery without a signature, or with two', () => {
  const missing = { code: 'webhook-signature-missing' };
  assert.throws(() => check(push(), { 'x-hub-signature-256': undefined }), missing);
  assert.throws(() => check(push(), { 'x-hub-signature-256': [sign(push()), sign(push())] }), missing);
  assert.throws(
    () => check(push(), { 'x-hub-signature-256': undefined, 'x-hub-signature': 'sha1=00' }),
    missing,
  );
});

test('refuses a signature by another secret, over another body, cut, padded or in another form', () => {
  const good = sign(push());
  for (const signature of [
    sign(push(), 'another secret'),
    sign(push('refs/heads/other')),
    good.slice(0, -1),
    `${good}0`,
    good.slice('sha256='.length),
    good.toUpperCase(),
    `${good}\n`,
    '',
    'sha256=',
  ])
    assert.throws(
      () => check(push(), { 'x-hub-signature-256': signature }),
      { code: 'webhook-signature-wrong' },
      signature,
    );
});

test('refuses a delivery that is too large before it is hashed', () => {
  const body = push();
  assert.throws(() => checkPush('github', { headers: headers(body), body }, { ...webhook, maxBytes: 10 }), {
    code: 'webhook-too-large',
  });
});

test('refuses another type, and a signed body that is no push', () => {
  assert.throws(() => check(push(), { 'content-type': 'application/jsonx' }), {
    code: 'webhook-content-type',
  });
  for (const text of [
    '',
    'null',
    '[]',
    '{',
    '{"ref":"refs/heads/main"}',
    '{"ref":1,"after":"a"}',
    '{"ref":"refs/heads/main","after":"../.."}',
  ])
    assert.throws(() => check(Buffer.from(text)), { code: 'webhook-malformed' }, text);
});

test('never accepts an empty secret', () => {
  const body = push();
  assert.throws(
    () =>
      checkPush(
        'github',
        {
          headers: headers(body, {
            'x-hub-signature-256': `sha256=${createHmac('sha256', '').update(body).digest('hex')}`,
          }),
          body,
        },
        { ...webhook, secret: '' },
      ),
    TypeError,
  );
});

const hmac = (body: Uint8Array | string, key = secret) =>
  createHmac('sha256', key).update(body).digest('hex');
const zeros = '0'.repeat(40);
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const cloud = (name: string, type = 'branch', hash = after) => ({
  old: null,
  new: { type, name, target: { hash } },
});
const dataCenter = (id: string, toHash = after) => ({
  ref: { id, displayId: id, type: 'BRANCH' },
  refId: id,
  toHash,
  type: 'UPDATE',
});

type Delivery = { body: Buffer; headers: Record<string, string> };
type Sender = {
  push: (ref: string, hash?: string) => Buffer;
  /** Proves and announces a body as the forge does. */
  send: (body: Buffer, event?: string, key?: string) => Delivery;
  proof: string;
};
const typed = { 'content-type': 'application/json' };
const asGithub = (ref: string, hash = after) =>
  json({ ref, before: zeros, after: hash, object_kind: 'push' });
const bitbucket = (body: Buffer, event: string, key = secret): Delivery => ({
  body,
  headers: { ...typed, 'x-event-key': event, 'x-hub-signature': `sha256=${hmac(body, key)}` },
});
const senders: Readonly<Record<string, Sender & { forge: (typeof forges)[number] }>> = {
  GitLab: {
    forge: 'gitlab',
    push: asGithub,
    send: (body, event = 'Push Hook', key = secret) => ({
      body,
      headers: { ...typed, 'x-gitlab-event': event, 'x-gitlab-token': key },
    }),
    proof: 'x-gitlab-token',
  },
  Gitea: {
    forge: 'gitea',
    push: asGithub,
    send: (body, event = 'push', key = secret) => ({
      body,
      headers: { ...typed, 'x-gitea-event': event, 'x-gitea-signature': hmac(body, key) },
    }),
    proof: 'x-gitea-signature',
  },
  'Bitbucket Cloud': {
    forge: 'bitbucket',
    push: (ref, hash = after) =>
      json({
        push: {
          changes: [
            cloud('other'),
            cloud(ref.replace('refs/heads/', ''), ref.startsWith('refs/heads/') ? 'branch' : 'tag', hash),
          ],
        },
      }),
    send: (body, event = 'repo:push', key) => bitbucket(body, event, key),
    proof: 'x-hub-signature',
  },
  'Bitbucket Data Center': {
    forge: 'bitbucket',
    push: (ref, hash = after) =>
      json({
        eventKey: 'repo:refs_changed',
        changes: [dataCenter('refs/heads/other'), dataCenter(ref, hash)],
      }),
    send: (body, event = 'repo:refs_changed', key) => bitbucket(body, event, key),
    proof: 'x-hub-signature',
  },
};

for (const [name, { forge, push, send, proof }] of Object.entries(senders)) {
  const take = (delivery: Delivery) => checkPush(forge, delivery, webhook);
  const main = push('refs/heads/main');

  test(`${name}: takes a proven push to the branch, and ignores other branches, tags and events`, () => {
    assert.deepEqual(take(send(main)), { kind: 'push', ref: 'refs/heads/main', after });
    for (const ref of ['refs/heads/mainline', 'refs/heads/x/main', 'refs/tags/main'])
      assert.deepEqual(take(send(push(ref))), { kind: 'ignored', reason: 'branch' }, ref);
    for (const event of ['', 'issues', 'Tag Push Hook', 'PUSH', 'repo:fork', '__proto__'])
      assert.deepEqual(take(send(main, event)), { kind: 'ignored', reason: 'event' }, event);
  });

  test(`${name}: refuses what is not proven by the secret`, () => {
    const { headers, body } = send(main);
    const good = headers[proof] ?? '';
    const missing = { code: 'webhook-signature-missing' };
    for (const none of [undefined, [good, good]])
      assert.throws(
        () => checkPush(forge, { headers: { ...headers, [proof]: none }, body }, webhook),
        missing,
      );
    const wrong = { code: 'webhook-signature-wrong' };
    assert.throws(() => take(send(main, undefined, 'another secret')), wrong);
    for (const text of [
      '',
      good.slice(0, -1),
      `${good}0`,
      good.toUpperCase(),
      `${good}\n`,
      ` ${good}`,
      'sha256=',
      'sha1=00',
    ])
      assert.throws(() => take({ body, headers: { ...headers, [proof]: text } }), wrong, text);
    if (forge !== 'gitlab') assert.throws(() => take({ headers, body: push('refs/heads/x') }), wrong);
    // The proof of one forge is none to another.
    for (const other of forges)
      if (other !== forge) assert.throws(() => checkPush(other, { headers, body }, webhook), missing);
    assert.throws(() => checkPush(forge, { headers, body }, { ...webhook, secret: '' }), TypeError);
    assert.throws(() => checkPush(forge, { headers, body }, { ...webhook, maxBytes: 10 }), {
      code: 'webhook-too-large',
    });
  });

  test(`${name}: refuses a proven delivery that is no push`, () => {
    for (const text of [
      '',
      'null',
      '[]',
      '{',
      '{"push":{}}',
      '{"changes":[{}]}',
      '{"ref":"refs/heads/main"}',
    ])
      assert.throws(() => take(send(Buffer.from(text))), { code: 'webhook-malformed' }, text);
    for (const hash of ['', 'main', '../..', 'A'.repeat(40), `${after}\n`])
      assert.throws(() => take(send(push('refs/heads/main', hash))), { code: 'webhook-malformed' }, hash);
    const { headers, body } = send(main);
    assert.throws(() => take({ body, headers: { ...headers, 'content-type': 'text/plain' } }), {
      code: 'webhook-content-type',
    });
  });
}

test('Gitea signs the JSON in a form, and that is what is held to', () => {
  const text = asGithub('refs/heads/main').toString();
  const form = (payload: string, signature: string) =>
    checkPush(
      'gitea',
      {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-gitea-event': 'push',
          'x-gitea-signature': signature,
        },
        body: Buffer.from(new URLSearchParams({ payload }).toString()),
      },
      webhook,
    );
  assert.equal(form(text, hmac(text)).kind, 'push');
  assert.throws(() => form(`${text} `, hmac(text)), { code: 'webhook-signature-wrong' });
  assert.throws(() => form(text, hmac(new URLSearchParams({ payload: text }).toString())), {
    code: 'webhook-signature-wrong',
  });
});

test("Bitbucket's test of the connection, which it does not sign, is answered and asks for nothing", () => {
  const ping = { 'x-event-key': 'diagnostics:ping', ...typed };
  const take = (headers: Record<string, string>) =>
    checkPush('bitbucket', { headers, body: json({ test: true }) }, webhook);
  assert.deepEqual(take(ping), { kind: 'ignored', reason: 'ping' });
  assert.throws(() => take({ ...ping, 'x-hub-signature': `sha256=${'0'.repeat(64)}` }), {
    code: 'webhook-signature-wrong',
  });
});

test('a branch that Bitbucket says is gone is told with zeros', () => {
  const body = json({ push: { changes: [{ new: null, old: { type: 'branch', name: 'main' } }] } });
  assert.deepEqual(checkPush('bitbucket', bitbucket(body, 'repo:push'), webhook), {
    kind: 'push',
    ref: 'refs/heads/main',
    after: zeros,
  });
});
