import { z } from 'zod';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { bytesOf, rate, size } from '../../bundle/grants/schema.ts';
import { secret, wait } from './values.ts';

const bytes = size.transform(bytesOf);

/** `limits` of gateway.yaml; times are milliseconds then and sizes are bytes. */
export const limitsConfig = z
  .strictObject({
    headers: z
      .int()
      .min(1024)
      .max(65_536)
      .default(16_384)
      .describe('Bytes of the headers of a request, all in all.'),
    answer_headers: z
      .int()
      .min(1024)
      .max(262_144)
      .default(16_384)
      .describe("Bytes of the headers of an API's answer, all in all."),
    headers_timeout: wait.prefault('15s').describe('For a caller to send them.'),
    idle_timeout: wait.prefault('60s').describe('Of a connection on which nothing moves.'),
    upstream_timeout: wait.prefault('30s').describe('For an API to begin its answer.'),
    drain_timeout: wait.prefault('20s').describe('At the end, for requests under way.'),
    body: bytes.prefault('100MB').describe('The largest body of a request, where its API says nothing else.'),
    progress: bytes
      .prefault('4kB')
      .describe(
        'What a body or an answer must move within each idle_timeout as long as it waits for the caller.',
      ),
    websocket_idle: wait
      .prefault('10min')
      .describe('For a WebSocket on which nothing moves, not even pings.'),
    requests_per_connection: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Requests on one connection; left out, as many as come.'),
    address_rate: rate
      .default('1000/s')
      .describe('Requests of one address, before anybody has proved who he is.'),
    failed_logins: z
      .int()
      .min(1)
      .max(10_000)
      .default(60)
      .describe('Different wrong credentials of one address in a minute.'),
    concurrency: z
      .int()
      .min(1)
      .max(100_000)
      .default(500)
      .describe('What a caller may have open at one API at the same time.'),
    store: z
      .union([z.literal('memory'), z.url({ protocol: /^rediss?$/ })], {
        error: 'must be "memory", redis://127.0.0.1:6379/0 or rediss://HOST:6379/0',
      })
      .default('memory')
      .describe('Where rates are counted: memory, or a server that several gateways share.'),
    store_password: secret.optional().describe('The password of that server.'),
  })
  .superRefine(({ store, store_password }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (store === 'memory') {
      if (store_password !== undefined) refuse('store_password', 'is for a store that others share');
      return;
    }
    const url = new URL(store);
    if (url.password !== '') refuse('store', 'must hold no password: it belongs into "store_password"');
    if (url.protocol === 'redis:' && !isLoopback(url.hostname))
      refuse('store', 'must be rediss:// (redis:// only on loopback)');
    if (!/^(?:\/\d{0,4})?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
      refuse('store', 'must end with the number of a database, or with nothing');
  })
  .prefault({});
