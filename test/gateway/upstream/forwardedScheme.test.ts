import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { startWorld } from '../_gateway.ts';

const test = suite('forwarded scheme');
const headers = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' };

for (const [who, trusted, scheme] of [
  ['a trusted proxy', ['127.0.0.0/8'], 'https'],
  ['anybody else', [], 'http'],
] as const) {
  test(`X-Forwarded-Proto of ${who} reaches the upstream as ${scheme}`, async () => {
    const world = await startWorld({ config: { trusted_proxies: trusted } });
    try {
      assert.equal((await world.get('/orders/v1/orders', { headers })).status, 200);
      assert.deepEqual(world.upstream.received.at(-1)?.headers['x-forwarded-proto'], [scheme]);
    } finally {
      await world.close();
    }
  });
}
