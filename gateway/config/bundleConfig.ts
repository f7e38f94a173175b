import { z } from 'zod';
import { shadowConfig } from './shadowConfig.ts';
import { sourceAccess, sourceAddress, sourcePaths, sourceProblems } from './sourceConfig.ts';
import { verificationKeys } from './verificationKeys.ts';

type Secret = { env: string } | { file: string };
type Time = z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>;

const share = z
  .number()
  .gt(0, { error: 'must be above 0 and 1 at most' })
  .max(1, { error: 'must be above 0 and 1 at most' });

/** `bundle` of gateway.yaml; times are milliseconds then. */
export const bundleConfig = (time: Time, secret: z.ZodType<Secret, Secret>) =>
  z
    .strictObject({
      source: sourceAddress,
      ...verificationKeys,
      poll: time.prefault('30s'),
      /** How long the gateway decides without a word from the source; left out, for ever. */
      max_staleness: time.optional(),
      /** How long an https source may hold a request until it has something new; left out, it is asked by `poll`. */
      long_poll: time.optional(),
      /** Origins that a server may send us on to, for example a release asset's store. */
      redirect_origins: z.array(z.url({ protocol: /^https$/ })).default([]),
      token: secret.optional(),
      ...sourceAccess(secret),
      /** The share of its grants, or of the calls allowed lately, that a bundle may take away without being held. */
      hold: z.strictObject({ grants: share.default(0.25), recent_callers: share.default(0.25) }).prefault({}),
      shadow: shadowConfig(time, secret).optional(),
    })
    .superRefine((bundle, context) => {
      const refuse = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: [path], message });
      sourceProblems(bundle, refuse);
      const { max_staleness, poll, long_poll = 0 } = bundle;
      // One look that comes late must not end all access.
      if (max_staleness !== undefined && max_staleness < 2 * Math.max(poll, long_poll))
        refuse('max_staleness', 'must be twice "poll" and "long_poll" at least');
    });

export type BundleConfig = z.output<ReturnType<typeof bundleConfig>>;

/** The same with its relative paths made absolute by `at`. */
export function bundlePaths(bundle: BundleConfig, at: (name: string) => string): BundleConfig {
  const { shadow } = bundle;
  return { ...sourcePaths(bundle, at), ...(shadow === undefined ? {} : { shadow: sourcePaths(shadow, at) }) };
}
