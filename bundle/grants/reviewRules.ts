import { z } from 'zod';
import { isTimeZone, parseSchedule } from './schedule.ts';
import { apiName, day, detector, grantId, instant, list, operationName, text } from './schema.ts';

const days = z.int({ error: 'must be a whole number of days' }).min(1).max(3660);
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const instance = text(64);
const noResponse = z.enum(['keep', 'escalate', 'suspend']);
const side = z.strictObject({ api: apiName, operations: list(operationName) });

/** grants/review.yaml; every key may be left out. */
export const reviewFile = z.strictObject({
  thresholds: z
    .strictObject({
      expiring: z
        .strictObject({
          notice_days: list(days)
            .default([14, 1])
            .describe('Days before the end at which an expiring grant is announced.'),
        })
        .prefault({}),
      never_used: z
        .strictObject({
          days: days.default(30).describe('Days after which a grant that was never used is found.'),
        })
        .prefault({}),
      dormant: z
        .strictObject({
          days: days.default(90),
          days_high: days.default(45).describe('The same for APIs of tier high and critical.'),
          cadence_factor: z
            .number()
            .min(1)
            .max(10)
            .default(1.25)
            .describe('How far beyond its declared cadence a grant may stay unused.'),
          revoke_after_days: days.default(30),
        })
        .prefault({}),
      orphan_missing: z
        .strictObject({
          syncs: z.int().min(2).default(2).describe('Complete syncs in which a person must be missing.'),
          apart_hours: z
            .number()
            .min(0)
            .default(24)
            .describe('Hours that lie between the first of these syncs and the last.'),
        })
        .prefault({}),
      ownerless: z.strictObject({ revoke_after_days: days.default(30) }).prefault({}),
      over_privileged: z
        .strictObject({
          days: days.default(90),
          unused_share: share.default(0.5).describe('The share of its operations that must be unused.'),
          unused_operations: count.default(2).describe('How many of them must be unused.'),
          allows: count.default(20).describe('Allowed requests that are needed to judge.'),
          days_used: count.default(5).describe('Days of use that are needed to judge.'),
        })
        .prefault({}),
      high_access: z.strictObject({ days: days.default(90), days_others: days.default(180) }).prefault({}),
      growth: z
        .strictObject({ share: z.number().min(0).default(0.5), members: count.default(25) })
        .prefault({}),
      coverage: share
        .default(0.95)
        .describe('The share of the records that must be there, else nothing that rests on use is proposed.'),
      brake: share.default(0.25).describe('The share of all grants that one run may propose to take away.'),
    })
    .prefault({}),
  separation_of_duties: z.array(z.strictObject({ name: text(100), left: side, right: side })).default([]),
  evidence: z
    .strictObject({
      presumed_gone_days: days
        .default(7)
        .describe('Days of silence after which a gateway is taken for gone; until then they are a gap.'),
      instances: z
        .array(instance)
        .default([])
        .describe('Gateways that must be there: their silence is a gap without end.'),
      retired: z
        .array(z.strictObject({ instance, at: instant, reason: text(500) }))
        .default([])
        .describe('Gateways that ended without saying so, and when.'),
    })
    .prefault({}),
  exemptions: z
    .array(z.strictObject({ grant: grantId, detector, reason: text(500), until: day }))
    .default([]),
  pull_requests: z
    .strictObject({
      open: z.int().min(1).default(10).describe('Pull requests that may be open at the same time.'),
      per_hour: z.int().min(1).default(2).describe('Pull requests that may be opened in an hour.'),
      schedule: text(100)
        .refine((value) => parseSchedule(value) !== null, {
          error: 'must be five fields of cron like "* 6-18 * * 1-5"',
        })
        .default('* 6-18 * * 1-5')
        .describe('When pull requests that are not urgent may be opened, as five fields of cron.'),
      timezone: text(60)
        .refine(isTimeZone, { error: 'must be a time zone like "Europe/Berlin"' })
        .default('UTC')
        .describe('Whose clocks the schedule goes by.'),
      dashboard: z
        .boolean()
        .default(true)
        .describe('Whether an issue lists what is held back, with boxes to ask for it.'),
      no_response: z
        .strictObject({
          low: noResponse.default('keep'),
          medium: noResponse.default('escalate'),
          high: noResponse.default('suspend'),
          critical: noResponse.default('suspend'),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type ReviewRules = z.output<typeof reviewFile>;
