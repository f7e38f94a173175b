import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { checkPush } from '../../../gateway/admin/githubWebhook.ts';
import { suite } from '../../_suite.ts';

const test = suite('githubWebhook');

const secret = 'a secret of the repository';
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
  checkPush(headers(body, more), body, secret, { branch: 'main' });

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
  assert.throws(() => checkPush(headers(body), body, secret, { branch: 'main', maxBytes: 10 }), {
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
        headers(body, {
          'x-hub-signature-256': `sha256=${createHmac('sha256', '').update(body).digest('hex')}`,
        }),
        body,
        '',
        { branch: 'main' },
      ),
    TypeError,
  );
});
