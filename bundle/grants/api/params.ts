import { z } from 'zod';

const form = (what: string, pattern: RegExp) =>
  z.string({ error: `must be ${what}` }).regex(pattern, { error: `must be ${what}` });

/** A parameter of a path template. Never one of `__proto__` and its relatives: it is a key in grants and in questions. */
export const parameterName = form(
  'a path parameter like "tenant"',
  /^(?!__)[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/,
);
const claimName = '[A-Za-z](?:[A-Za-z0-9.:/-]|_(?!_)){0,127}';
/** A claim by its name, or by a path through others. */
export const claimPath = form('a claim like "customer_id"', new RegExp(`^${claimName}$`));
const claimForm = new RegExp(`^claim:(${claimName})$`);
const claim = form('a claim of the token like "claim:customer_id"', claimForm);
/** Texts only: what YAML takes for a number, `007` or `1e3`, is another text than what was written. */
const value = form('a text of 1 to 256 characters (a number in quotes)', /^[^\p{Cc}\p{Cs}]{1,256}$/u);
const values = z
  .array(value)
  .min(1, { error: 'must name at least one' })
  .refine((items) => new Set(items).size === items.length, { error: 'must not name one twice' });

/** `params` of a grant: path parameter → the values it may have, or the claim of the token it must be equal to. */
export const params = z
  .record(
    parameterName,
    z.union([values, claim], {
      error:
        'must be a list of texts like [acme] (numbers in quotes), or a claim of the token like claim:customer_id',
    }),
  )
  .refine((all) => Object.keys(all).length > 0, { error: 'must name at least one path parameter' });

export type GrantParams = z.output<typeof params>;

/** The claim that a parameter must be equal to; null where it lists values. */
export const claimOf = (wanted: GrantParams[string]): string | null =>
  typeof wanted === 'string' ? (claimForm.exec(wanted)?.[1] ?? null) : null;
