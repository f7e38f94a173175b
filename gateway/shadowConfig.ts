import { z } from 'zod';
import { keysProblem, verificationKeys } from './verificationKeys.ts';

type Secret = { env: string } | { file: string };

/** A second bundle that is only compared with; the parts of the schema that `bundle` has too are given. */
export const shadowConfig = (
  source: z.ZodType<string, string>,
  time: z.ZodType<number, string>,
  secret: z.ZodType<Secret, Secret>,
) =>
  z
    .strictObject({
      source,
      ...verificationKeys,
      poll: time.optional(),
      token: secret.optional(),
      sample: z
        .number()
        .gt(0, { error: 'must be above 0 and 1 at most' })
        .max(1, { error: 'must be above 0 and 1 at most' })
        .default(1),
    })
    .superRefine((shadow, context) => {
      const problem = keysProblem(shadow);
      if (problem !== null)
        context.addIssue({ code: 'custom', path: [problem.path], message: problem.message });
    });
