import { z } from 'zod';

/** Opening an operation of a critical API is said twice, by two keys. */
export const exception = z
  .strictObject({
    public: z
      .literal(true, { error: 'must be true, or left out' })
      .optional()
      .describe('Anybody may call it, without a credential; whoever does is `anonymous`.'),
    although_critical: z
      .literal(true, { error: 'must be true, or left out' })
      .optional()
      .describe('Said besides, where an operation of a critical API is public.'),
    encoded_slash: z
      .literal(true, { error: 'must be true, or left out' })
      .optional()
      .describe(
        'Its parameters may hold `%2F`, which its API must read as part of one name, never as a slash.',
      ),
  })
  .refine((one) => one.public === true || one.encoded_slash === true, {
    error: 'must say what is otherwise, as { public: true } does',
  })
  .describe('What is otherwise for that operation.');

export type Exception = z.output<typeof exception>;
