import { z } from 'zod';
import { apiName, day, detector, grantId, list, operationName, text } from './schema.ts';

const days = z.int({ error: 'must be a whole number of days' }).min(1).max(3660);
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const noResponse = z.enum(['keep', 'escalate', 'suspend']);
const side = z.strictObject({ api: apiName, operations: list(operationName) });

/** grants/review.yaml; every key may be left out. */
export const reviewFile = z.strictObject({
  thresholds: z
    .strictObject({
      expiring: z.strictObject({ notice_days: list(days).default([14, 1]) }).prefault({}),
      never_used: z.strictObject({ days: days.default(30) }).prefault({}),
      dormant: z
        .strictObject({
          days: days.default(90),
          days_high: days.default(45),
          cadence_factor: z.number().min(1).max(10).default(1.25),
          revoke_after_days: days.default(30),
        })
        .prefault({}),
      orphan_missing: z
        .strictObject({ syncs: z.int().min(2).default(2), apart_hours: z.number().min(0).default(24) })
        .prefault({}),
      ownerless: z.strictObject({ revoke_after_days: days.default(30) }).prefault({}),
      over_privileged: z
        .strictObject({
          days: days.default(90),
          unused_share: share.default(0.5),
          unused_operations: count.default(2),
          allows: count.default(20),
          days_used: count.default(5),
        })
        .prefault({}),
      high_access: z.strictObject({ days: days.default(90), days_others: days.default(180) }).prefault({}),
      growth: z
        .strictObject({ share: z.number().min(0).default(0.5), members: count.default(25) })
        .prefault({}),
      coverage: share.default(0.95),
      brake: share.default(0.25),
    })
    .prefault({}),
  separation_of_duties: z.array(z.strictObject({ name: text(100), left: side, right: side })).default([]),
  exemptions: z
    .array(z.strictObject({ grant: grantId, detector, reason: text(500), until: day }))
    .default([]),
  pull_requests: z
    .strictObject({
      open: z.int().min(1).default(10),
      per_hour: z.int().min(1).default(2),
      schedule: text(100).default('* 6-18 * * 1-5'),
      timezone: text(60).default('UTC'),
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
