import { z } from 'zod';
import { sourceAccess, sourceAddress, sourceProblems } from './sourceConfig.ts';
import { secret, share, wait } from './values.ts';
import { verificationKeys } from './verificationKeys.ts';

/** A second bundle that is only compared with. */
export const shadowConfig = z
  .strictObject({
    source: sourceAddress.describe('Where the second bundle comes from, as in `bundle.source`.'),
    ...verificationKeys,
    poll: wait.optional().describe('How often to look; as often as for the bundle in force, when left out.'),
    token: secret.optional().describe('Read access to the repository, or a bearer token.'),
    ...sourceAccess,
    sample: share.default(1).describe('The share of requests that is compared.'),
  })
  .superRefine((shadow, context) =>
    sourceProblems(shadow, (path, message) => context.addIssue({ code: 'custom', path: [path], message })),
  );
