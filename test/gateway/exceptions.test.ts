import * as assert from 'node:assert/strict';
import { suite } from '../_suite.ts';
import { startWorld, type World } from './_gateway.ts';

const test = suite('exceptions');
let world: World;

test.before(async () => {
  world = await startWorld({
    config: {
      decision_point: {
        listen: { port: 0 },
        forward_auth: { trusted_proxies: ['127.0.0.1/32'] },
        authzen: { callers: ['service:invoicer'] },
      },
      limits: { failed_logins: 1000 },
    },
  });
});
test.after(() => world.close());
test.before.each(() => {
  world.upstream.received.length = 0;
});

const code = async (response: Response) => ((await response.json()) as { code: string }).code;
/** Asks for a decision as a proxy does. */
const authorize = (method: string, uri: string, headers: Record<string, string> = {}) =>
  fetch(`${world.gateway.decisionPoint}/authorize`, {
    headers: {
      'x-forwarded-method': method,
      'x-forwarded-uri': uri,
      'x-forwarded-host': 'a',
      'x-forwarded-for': '203.0.113.9',
      ...headers,
    },
  });

test('who may call something of a path is told its methods, in place of one that it does not have', async () => {
  const known = await world.get('/orders/v1/orders', { method: 'DELETE' });
  assert.deepEqual([known.status, known.headers.get('allow')], [405, 'GET, HEAD, POST']);
  assert.equal(await code(known), 'method-not-allowed');
  const token = await world.issuer.token({ sub: 'ann@example.com' });
  const asked = await authorize('PATCH', '/orders/v1/orders/7', { authorization: `Bearer ${token}` });
  assert.deepEqual([asked.status, asked.headers.get('allow')], [405, 'GET, HEAD']);
  assert.equal(world.upstream.received.length, 0);
});

test('to all others such a path does not exist', async () => {
  const url = `${world.gateway.url}/orders/v1/orders`;
  const strangers: [string, () => Promise<Response>][] = [
    ['without a credential', () => fetch(url, { method: 'DELETE' })],
    [
      'with a made-up one',
      () => fetch(url, { method: 'DELETE', headers: { 'x-api-key': `gg_made_${'x'.repeat(30)}` } }),
    ],
    ['suspended', () => world.get('/orders/v1/orders', { method: 'DELETE', as: 'bob@example.com' })],
    ['without a grant', () => world.get('/orders/v1/orders', { method: 'DELETE', as: 'dana@example.com' })],
    ['unknown', () => world.get('/orders/v1/orders', { method: 'DELETE', as: 'eve@example.com' })],
    ['at no path', () => world.get('/orders/v1/nothing', { method: 'DELETE' })],
    ['at a proxy', () => authorize('DELETE', '/orders/v1/orders')],
  ];
  for (const [who, ask] of strangers) {
    const response = await ask();
    assert.equal(response.headers.get('allow'), null, who);
    assert.equal(response.headers.get('www-authenticate'), null, who);
    assert.deepEqual([response.status, await code(response)], [404, 'no-such-operation'], who);
  }
});
