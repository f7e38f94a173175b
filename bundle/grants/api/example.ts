import { z } from 'zod';

const text = (most: number) => z.string().trim().min(1, { error: 'must not be empty' }).max(most);
const given = z.record(z.string(), z.string({ error: 'must be text (a number in quotes)' }));

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const facts = z.record(
  z.string(),
  z.union([scalar, z.array(scalar)], { error: 'must be a text, a number, true, false, or a list of these' }),
);

/** One decision that must come out as it is written: who asks for what, when, and why the answer is right. */
const example = z
  .strictObject({
    who: text(300).describe('Who asks: `user:LOGIN` or `service:NAME`; `anonymous` for what is public.'),
    api: text(63).describe('The API.'),
    operation: text(128).optional().describe('The operation; or else the request, by `path`.'),
    method: text(20).optional().describe('The method of the request; GET, when left out.'),
    path: text(8192).optional().describe('The path of the request, as callers write it.'),
    params: given.optional().describe('Path parameters by name, where the operation is named.'),
    claims: given.optional().describe("Claims of the caller's token by name, where grants ask for them."),
    facts: facts.optional().describe("Facts of the request by the names that the API's file gives them."),
    networks: z.array(z.string()).optional().describe('Declared networks that the caller is in.'),
    mfa: z.boolean().optional().describe('Whether there was a second factor; left out, there was none.'),
    at: z
      .union([z.iso.date(), z.iso.datetime({ offset: true })], {
        error: 'must be a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z',
      })
      .describe(
        'When it is asked: a day (its first instant, UTC) or an instant. No example depends on the clock.',
      ),
    expect: z.enum(['allow', 'deny'], { error: 'must be "allow" or "deny"' }).describe('What is decided.'),
    reason: text(100).optional().describe('The reason code of the decision; left out, any.'),
    grants: z
      .array(z.string())
      .optional()
      .describe('The ids of the grants that justify an allow, all of them; left out, any.'),
    why: text(500).describe('Why that is right, in 500 characters at most.'),
  })
  .refine((one) => (one.operation === undefined) !== (one.path === undefined), {
    error: 'must have either "operation" or "path"',
  })
  .refine((one) => one.grants === undefined || one.expect === 'allow', {
    error: 'must not have "grants" where "deny" is expected',
  });

/** tests/NAME.yaml: example decisions. */
export const exampleFile = z.array(example);

export type Example = z.output<typeof example>;
