import { z } from 'zod';
import { shadowConfig } from './shadowConfig.ts';
import { type Keys, keysProblem, verificationKeys } from './verificationKeys.ts';

type Secret = { env: string } | { file: string };
type Time = z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>;

const share = z
  .number()
  .gt(0, { error: 'must be above 0 and 1 at most' })
  .max(1, { error: 'must be above 0 and 1 at most' });

/** `bundle` of gateway.yaml; times are milliseconds then. */
export const bundleConfig = (
  source: z.ZodType<string, string>,
  time: Time,
  secret: z.ZodType<Secret, Secret>,
) =>
  z
    .strictObject({
      source,
      ...verificationKeys,
      poll: time.prefault('30s'),
      /** How long the gateway decides without a word from the source; left out, for ever. */
      max_staleness: time.optional(),
      /** How long an https source may hold a request until it has something new; left out, it is asked by `poll`. */
      long_poll: time.optional(),
      /** Origins that an https source may redirect to, for example a release asset's store. */
      redirect_origins: z.array(z.url({ protocol: /^https$/ })).default([]),
      token: secret.optional(),
      /** The share of its grants, or of the calls allowed lately, that a bundle may take away without being held. */
      hold: z.strictObject({ grants: share.default(0.25), recent_callers: share.default(0.25) }).prefault({}),
      shadow: shadowConfig(source, time, secret).optional(),
    })
    .superRefine((bundle, context) => {
      const problem = keysProblem(bundle);
      if (problem !== null)
        context.addIssue({ code: 'custom', path: [problem.path], message: problem.message });
      const { max_staleness, poll, long_poll = 0 } = bundle;
      // One look that comes late must not end all access.
      if (max_staleness !== undefined && max_staleness < 2 * Math.max(poll, long_poll))
        context.addIssue({
          code: 'custom',
          path: ['max_staleness'],
          message: 'must be twice "poll" and "long_poll" at least',
        });
    });

export type BundleConfig = z.output<ReturnType<typeof bundleConfig>>;

/** The same with its relative paths made absolute by `at`. */
export function bundlePaths(bundle: BundleConfig, at: (name: string) => string): BundleConfig {
  const { shadow } = bundle;
  return {
    ...bundle,
    ...sourcePaths(bundle, at),
    ...(shadow === undefined ? {} : { shadow: { ...shadow, ...sourcePaths(shadow, at) } }),
  };
}

function sourcePaths({ source: from, key, keys }: Keys, at: (name: string) => string) {
  const source = from.replace(/^file:(?!\/)(.*)$/, (_, name: string) => `file:${at(name)}`);
  const files = Object.entries(keys ?? {}).map(([id, file]) => [id, at(file)] as const);
  return {
    source,
    ...(key === undefined ? {} : { key: at(key) }),
    ...(keys === undefined ? {} : { keys: Object.fromEntries(files) }),
  };
}
