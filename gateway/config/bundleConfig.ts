import { z } from 'zod';
import { shadowConfig } from './shadowConfig.ts';
import { sourceAccess, sourceAddress, sourcePaths, sourceProblems } from './sourceConfig.ts';
import { secret, share, time, wait } from './values.ts';
import { verificationKeys } from './verificationKeys.ts';

/** `bundle` of gateway.yaml; times are milliseconds then. */
export const bundleConfig = z
  .strictObject({
    source: sourceAddress.describe(
      'Where access comes from: git+https://HOST/REPOSITORY#BRANCH, git+file:///PATH#BRANCH (#BRANCH:FOLDER where grants/ is not at the root), https://…, oci://…, s3://BUCKET/KEY or file:PATH.',
    ),
    ...verificationKeys,
    poll: wait
      .prefault('30s')
      .describe('How often to look; a webhook or POST /reload makes it look at once.'),
    max_staleness: time
      .optional()
      .describe('How long the gateway decides without a word from the source; left out, for ever.'),
    long_poll: wait
      .optional()
      .describe(
        'How long an https source may hold a request until it has something new; left out, it is asked by `poll`.',
      ),
    redirect_origins: z
      .array(z.url({ protocol: /^https$/, error: 'must be an https address' }))
      .default([])
      .describe('Origins that a server may send us on to, for example the store of a release.'),
    token: secret
      .optional()
      .describe('Read access to the repository (git+https), or a bearer token (https, oci).'),
    ...sourceAccess,
    hold: z
      .strictObject({
        grants: share
          .default(0.25)
          .describe('The share of its grants that a bundle may take away without being held.'),
        recent_callers: share.default(0.25).describe('The same of the calls allowed in the last day.'),
      })
      .prefault({})
      .describe('When a bundle that takes much away is held until it is confirmed; 1 never holds.'),
    shadow: shadowConfig
      .optional()
      .describe(
        'A second bundle that decides the same requests; its word never counts, differences are counted.',
      ),
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

export type BundleConfig = z.output<typeof bundleConfig>;

/** The same with its relative paths made absolute by `at`. */
export function bundlePaths(bundle: BundleConfig, at: (name: string) => string): BundleConfig {
  const { shadow } = bundle;
  return { ...sourcePaths(bundle, at), ...(shadow === undefined ? {} : { shadow: sourcePaths(shadow, at) }) };
}
