import { z } from 'zod';
import { isInternet } from '../../bundle/format/isInternet.ts';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { durationForm, durationMs, longestTimerMs } from '../../bundle/format/times.ts';

// The values that gateway.yaml is made of.

export const port = z.int({ error: 'must be a port from 0 to 65535' }).min(0).max(65_535);

export const named = z.string({ error: 'must be text' }).min(1);

/** A secret never stands in the file itself: it comes from the environment or from a file of its own. */
export const secret = z.union(
  [
    z.strictObject({ env: named.describe('The environment variable that holds it.') }),
    z.strictObject({ file: named.describe('The file that holds it.') }),
  ],
  {
    error: 'must be { env: NAME } or { file: PATH }',
  },
);
export type Secret = z.output<typeof secret>;

/** `30s` or `7d`; milliseconds then. */
export const time = z
  .string({ error: 'must be a time like "30s"' })
  .regex(durationForm, { error: 'must be a time like "30s" (ms, s, min, h or d)' })
  .transform((value) => durationMs(value) ?? Number.NaN);

/** The same for what a timer waits for: one that waits longer ends at once. */
export const wait = time.refine((ms) => ms <= longestTimerMs, { error: 'must be 24d at most' });

const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a CIDR block like 10.0.0.0/24' });

/** Blocks that are not, taken together, a family of addresses: each half alone would pass for less. */
export const cidrs = z.array(cidr).refine((blocks) => !isInternet(blocks), {
  error: 'must not add up to the whole internet, or to nearly all of it',
});

/** As a Host header has it, less the port. */
export const hostName = z
  .string({ error: 'must be a host name like api.example.com' })
  .toLowerCase()
  .regex(/^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])$/, {
    error: 'must be a host name like api.example.com, without port',
  });

export const share = z
  .number({ error: 'must be above 0 and 1 at most' })
  .gt(0, { error: 'must be above 0 and 1 at most' })
  .max(1, { error: 'must be above 0 and 1 at most' });

/** Whether an address is one of this machine, which nobody listens in on. */
export const onLoopback = (address: string): boolean => isLoopback(URL.parse(address)?.hostname ?? '');

/** https, or http on loopback. */
export const secureUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address like https://example.com' })
  .refine((value) => value.startsWith('https:') || onLoopback(value), {
    error: 'must be https (http only on loopback)',
  });
