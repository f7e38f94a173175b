import { z } from 'zod';
import { sourceAccess, sourceAddress, sourceProblems } from './sourceConfig.ts';
import { verificationKeys } from './verificationKeys.ts';

type Secret = { env: string } | { file: string };

/** A second bundle that is only compared with; the parts of the schema that `bundle` has too are given. */
export const shadowConfig = (time: z.ZodType<number, string>, secret: z.ZodType<Secret, Secret>) =>
  z
    .strictObject({
      source: sourceAddress,
      ...verificationKeys,
      poll: time.optional(),
      token: secret.optional(),
      ...sourceAccess(secret),
      sample: z
        .number()
        .gt(0, { error: 'must be above 0 and 1 at most' })
        .max(1, { error: 'must be above 0 and 1 at most' })
        .default(1),
    })
    .superRefine((shadow, context) =>
      sourceProblems(shadow, (path, message) => context.addIssue({ code: 'custom', path: [path], message })),
    );
