import { z } from 'zod';
import { bytesOf, rate, size } from '../../bundle/grants/schema.ts';

const bytes = size.transform(bytesOf);

/** `limits` of gateway.yaml; times are milliseconds then and sizes are bytes. */
export const limitsConfig = <Secret extends z.ZodType>(
  time: z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>,
  secret: Secret,
) =>
  z
    .strictObject({
      headers: z.int().min(1024).max(65_536).default(16_384),
      headers_timeout: time.prefault('15s'),
      idle_timeout: time.prefault('60s'),
      upstream_timeout: time.prefault('30s'),
      drain_timeout: time.prefault('20s'),
      /** The largest body of a request, where its API says nothing else. */
      body: bytes.prefault('100MB'),
      /** What a body or an answer must move within each idle_timeout as long as it waits for the caller. */
      progress: bytes.prefault('4kB'),
      websocket_idle: time.prefault('10min'),
      requests_per_connection: z.int().min(1).max(1_000_000).optional(),
      address_rate: rate.default('1000/s'),
      failed_logins: z.int().min(1).max(10_000).default(60),
      concurrency: z.int().min(1).max(100_000).default(500),
      store: z
        .union([z.literal('memory'), z.url({ protocol: /^rediss?$/ })], {
          error: 'must be "memory", redis://127.0.0.1:6379/0 or rediss://HOST:6379/0',
        })
        .default('memory'),
      store_password: secret.optional(),
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
      if (url.protocol === 'redis:' && !loopback.test(url.hostname))
        refuse('store', 'must be rediss:// (redis:// only on loopback)');
      if (!/^(?:\/\d{0,4})?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
        refuse('store', 'must end with the number of a database, or with nothing');
    })
    .prefault({});

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
