import { z } from 'zod';

/** A string of a certain form; `what` says which, in the words of an error message. */
export const matching = (what: string, pattern: RegExp) =>
  z.string({ error: `must be ${what}` }).regex(pattern, { error: `must be ${what}` });
