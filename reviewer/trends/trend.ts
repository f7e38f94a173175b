import { z } from 'zod';

const count = z.int().min(0);
const day = z.iso.date();

/** One run of the review, in few numbers: a line of the file. */
export const trend = z.strictObject({
  /** The UTC day and the instant that were judged. */
  date: day,
  as_of: z.iso.datetime(),
  /** The commit; null outside of Git. */
  revision: z.string().nullable(),
  grants: count,
  /** Those who are active. */
  people: count,
  /** The share of the window that the records cover. */
  coverage: z.number().min(0).max(1),
  /** The share of active grants that nobody used in the window; null where too little of it is covered to say. */
  unused: z.number().min(0).max(1).nullable(),
  /** Detector → findings. */
  findings: z.record(z.string(), count),
  /** Days since open findings were first found by a run: the oldest, and the one in the middle. */
  age: z.strictObject({ oldest: count, median: count }),
  /** Grants that were put back or reactivated in the last 30 days. */
  reverted: count,
  /** Emergencies of the last 90 days that nobody has attested; left out where no forge was asked. */
  unattested: count.optional(),
  /** Of the newest line alone: since which day each finding is open, by the beginning of its fingerprint. */
  open: z.record(z.string().regex(/^[0-9a-f]{16}$/), day).optional(),
});

export type Trend = z.output<typeof trend>;
/** What a run knows by itself; how long its findings have been open, the lines before it tell. */
export type Summary = Omit<Trend, 'age' | 'open'> & { fingerprints: readonly string[] };

/** How many findings a run had. */
export const findingsOf = ({ findings }: Pick<Trend, 'findings'>): number =>
  Object.values(findings).reduce((sum, one) => sum + one, 0);
