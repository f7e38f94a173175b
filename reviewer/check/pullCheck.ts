import { z } from 'zod';
import { ReviewError } from '../reviewError.ts';

// What a check of a pull request found, as it goes from the run that computes it to the one that posts it. The first may
// be a fork's: whatever is in the file may be a lie or an attack. So it holds plain text only, all of it bounded, and
// what is posted is written from it, escaped, by who posts.

/** No file of ours is near this. */
export const mostFileBytes = 8 * 1024 * 1024;
/** As many rows as a person looks through; the counts say how many more there are. */
export const mostShown = { rows: 200, notes: 50, problems: 500, callers: 20, gainers: 20_000 };

const text = (length: number) => z.string().max(length);
const count = z.int().min(0).max(1e12);
const seconds = z.number().min(-1e12).max(1e12);
const commit = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const rule = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
/** A path of the repository, as annotations name it. */
const path = z
  .string()
  .min(1)
  .max(1000)
  .refine((value) => !/\p{Cc}/u.test(value) && !value.startsWith('/') && !value.split('/').includes('..'));
const line = z.int().min(1).max(10_000_000);
const place = { path, line };
const short = 500;

const effect = z.strictObject({
  subject: text(short),
  api: text(short),
  operation: text(short),
  requests: count,
  first: seconds,
  last: seconds,
  grants: z.array(text(short)).max(100),
  why: text(short),
});
const effectsOf = (one: typeof effect) =>
  z.strictObject({ requests: count, callers: count, by: z.array(one).max(mostShown.callers), more: count });
const effects = effectsOf(effect);
/** When it ends, as seconds since 1970. */
const ending = effectsOf(effect.extend({ why: z.string().regex(/^\d{1,12}$/) }));

/** A replay, cut short. */
const replay = z.strictObject({
  base: commit,
  head: commit,
  asOf: seconds,
  window: z.strictObject({
    from: seconds,
    to: seconds,
    coverage: z.number().min(0).max(1),
    lostMinutes: count,
    instances: count,
    files: count,
  }),
  covered: z.boolean(),
  requests: z.strictObject({ recorded: count, replayed: count, allowed: count, lapsed: count }),
  denied: effects,
  unproven: effects,
  ending,
  allowed: effects,
  skipped: z
    .array(
      z.strictObject({
        reason: z.enum(['operation-removed', 'route-changed', 'operation-unknown', 'record-incomplete']),
        api: text(short),
        operation: text(short),
        requests: count,
        allowed: count,
      }),
    )
    .max(4 * (mostShown.callers + 1)),
});

export const pullCheck = z.strictObject({
  version: z.literal(1),
  base: commit,
  head: commit,
  /** Seconds since 1970. */
  asOf: seconds,
  /** What is wrong with the files of head, by where it stands: on changed lines first. */
  problems: z
    .array(z.strictObject({ ...place, level: z.enum(['failure', 'warning']), message: text(2000) }))
    .max(mostShown.problems),
  moreProblems: count,
  /** How many of all problems are failures. */
  failures: count,
  /** Null where head, or base, cannot be compiled. */
  access: z
    .strictObject({
      summary: text(short),
      rows: z
        .array(
          z.strictObject({
            who: text(1000),
            what: text(4000),
            by: z.array(text(short)).max(20),
            moreBy: count,
          }),
        )
        .max(mostShown.rows),
      more: count,
      notes: z.array(text(4000)).max(mostShown.notes),
      moreNotes: count,
    })
    .nullable(),
  /** What the rules say of the change. */
  findings: z
    .array(
      z.strictObject({
        rule,
        level: z.enum(['failure', 'warning', 'notice']),
        message: text(2000),
        place: z.strictObject(place).nullable(),
      }),
    )
    .max(mostShown.problems),
  moreFindings: count,
  findingFailures: count,
  /** Whose approval the merge needs. */
  requirements: z
    .array(z.strictObject({ rule, api: text(100), approval_of: text(short), except: text(short).optional() }))
    .max(mostShown.rows),
  selfGrant: z.enum(['refuse', 'approve', 'allow']),
  /** People who gain access to guarded APIs; `gainersCut`: there are more. */
  gainers: z
    .array(z.strictObject({ api: text(100), who: z.array(text(short)).max(mostShown.gainers) }))
    .max(mostShown.rows),
  gainersCut: z.boolean(),
  /** Null where no records are at hand. */
  replay: replay.nullable(),
});

export type PullCheck = z.output<typeof pullCheck>;
export type CheckedPlace = PullCheck['findings'][number]['place'];

/** Reads what another run wrote. Throws ReviewError `check-invalid`, which repeats nothing of it. */
export function readPullCheck(bytes: Buffer): PullCheck {
  if (bytes.length > mostFileBytes)
    throw new ReviewError('check-invalid', `the check is larger than ${mostFileBytes} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ReviewError('check-invalid', 'the check is no JSON text');
  }
  const read = pullCheck.safeParse(value);
  if (read.success) return read.data;
  const [first] = read.error.issues;
  // Names of keys that are none of ours are theirs, too.
  const where =
    first?.path.filter((key) => typeof key === 'number' || /^[A-Za-z_]+$/.test(String(key))) ?? [];
  throw new ReviewError('check-invalid', `the check is not in form at ${where.join('.') || 'its root'}`);
}
