import { z } from 'zod';
import { detectorName, ownDetector, owner, recommendation } from './names.ts';
import { isTimeZone, parseSchedule } from './schedule.ts';
import { apiName, day, grantId, instant, list, listOrNone, operationName, text, tier } from './schema.ts';

const days = z.int({ error: 'must be a whole number of days' }).min(1).max(3660);
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const askManagers = (after: number) =>
  days.default(after).describe("Days of an owner's silence after which managers are asked.");
const criticalTiers = z.array(tier).default(['critical']);
const selfReview = z.enum(['refuse', 'allow']).default('allow');
const noResponse = z.enum(['keep', 'escalate', 'suspend']);
const ownValue = z.union([z.number(), z.boolean(), text(500)], {
  error: 'must be a number, text, true or false',
});
const ownThreshold = z.union([ownValue, z.array(ownValue).max(100)], {
  error: 'must be a number, text, true or false, or a list of these',
});
const side = z.strictObject({
  api: apiName.describe('The API of this side.'),
  operations: list(operationName).describe('Its operations; one of them is enough to be on this side.'),
});

/** grants/review.yaml; every key may be left out. */
export const reviewFile = z.strictObject({
  unknown_names: z
    .enum(['warn', 'refuse'])
    .default('warn')
    .describe('What check does about principals and owners that no directory knows.'),
  thresholds: z
    .strictObject({
      expiring: z
        .strictObject({
          notice_days: list(days)
            .default([14, 1])
            .describe('Days before the end at which an expiring grant is announced.'),
        })
        .prefault({})
        .describe('A grant that ends soon.'),
      never_used: z
        .strictObject({
          days: days.default(30).describe('Days after which a grant that was never used is found.'),
        })
        .prefault({})
        .describe('A grant that was never used.'),
      dormant: z
        .strictObject({
          days: days.default(90).describe('Days without use after which a grant is found.'),
          days_high: days.default(45).describe('The same for APIs of tier high and critical.'),
          cadence_factor: z
            .number()
            .min(1)
            .max(10)
            .default(1.25)
            .describe(
              'How many times the interval of its declared cadence a grant may stay unused; lengthens the windows of never-used and over-privileged too.',
            ),
          revoke_after_days: days
            .default(30)
            .describe('Days of suspension after which it is proposed to revoke the grant.'),
        })
        .prefault({})
        .describe('A grant that is no longer used.'),
      orphan_missing: z
        .strictObject({
          syncs: z.int().min(2).default(2).describe('Complete syncs in which a person must be missing.'),
          apart_hours: z
            .number()
            .min(0)
            .default(24)
            .describe('Hours that lie between the first of these syncs and the last.'),
        })
        .prefault({})
        .describe('A person whom no directory knows any more.'),
      ownerless: z
        .strictObject({
          revoke_after_days: days
            .default(30)
            .describe(
              'Days without an owner after which it is proposed to revoke the grant, not to reassign it.',
            ),
        })
        .prefault({})
        .describe('A grant that nobody active answers for.'),
      over_privileged: z
        .strictObject({
          days: days
            .default(90)
            .describe('Days that are looked back on, for redundant too; younger grants are left alone.'),
          unused_share: share.default(0.5).describe('The share of its operations that must be unused.'),
          unused_operations: count.default(2).describe('How many of them must be unused.'),
          allows: count.default(20).describe('Allowed requests that are needed to judge.'),
          days_used: count.default(5).describe('Days of use that are needed to judge.'),
        })
        .prefault({})
        .describe('A grant of more operations than are used; all four must hold.'),
      high_access: z
        .strictObject({
          days: days
            .default(90)
            .describe('Days after which a grant of an API of tier high or critical is due.'),
          days_others: days.default(180).describe('The same for APIs of the other tiers.'),
        })
        .prefault({})
        .describe('A grant that nobody has answered for in a long time.'),
      growth: z
        .strictObject({
          share: z
            .number()
            .min(0)
            .default(0.5)
            .describe('By what share of its members then it must have grown, 0.5 being by half.'),
          members: count.default(25).describe('Or by how many members, however large it was.'),
        })
        .prefault({})
        .describe('A group that has grown since somebody last answered for its grant.'),
      coverage: share
        .default(0.95)
        .describe('The share of the records that must be there, else nothing that rests on use is proposed.'),
      recommend: z
        .strictObject({
          days: days
            .default(90)
            .describe('Days of use that are looked back on; younger grants are left alone.'),
          allows: count.default(20).describe('Allowed requests that are needed to judge.'),
          days_used: count.default(5).describe('Days of use that are needed to judge.'),
          rate_margin: z
            .number()
            .min(1)
            .max(100)
            .default(2)
            .describe('How many times the busiest minutes of a caller a rate must admit.'),
          rate_least: z
            .int()
            .min(1)
            .max(1_000_000)
            .default(60)
            .describe('Requests in a minute below which no rate is recommended.'),
          one_off_days: days
            .default(7)
            .describe('Days that all use of a grant lies within to be called one-off.'),
          quiet_days: days.default(30).describe('Days that it must have been unused since.'),
          end_days: days.default(30).describe('Days from the review to the end that is recommended for it.'),
          members_share: share
            .default(0.5)
            .describe('The share of its group that a smaller group may have at most.'),
        })
        .prefault({})
        .describe('What `review --recommend` rests on.'),
      own: z
        .record(ownDetector, z.record(text(64), ownThreshold))
        .default({})
        .describe('Of detectors of your own, by name: what each reads as input.thresholds.own.'),
      brake: share.default(0.25).describe('The share of all grants that one run may propose to take away.'),
    })
    .prefault({})
    .describe('What detectors call much, long or often.'),
  separation_of_duties: z
    .array(
      z.strictObject({
        name: text(100).describe('What the pair is called in findings.'),
        left: side.describe('One side.'),
        right: side.describe('The other side, which is given up where both were granted at once.'),
      }),
    )
    .default([])
    .describe('Pairs of duties of which nobody should hold both.'),
  evidence: z
    .strictObject({
      presumed_gone_days: days
        .default(7)
        .describe('Days of silence after which a gateway is taken for gone; until then they are a gap.'),
      instances: z
        .array(text(64))
        .default([])
        .describe('Gateways that must be there: their silence is a gap without end.'),
      retired: z
        .array(
          z.strictObject({
            instance: text(64).describe('Its name in records.'),
            at: instant.describe('When it ended; it is not missed from then on.'),
            reason: text(500).describe('How that is known, in 500 characters at most.'),
          }),
        )
        .default([])
        .describe('Gateways that ended without saying so, and when.'),
    })
    .prefault({})
    .describe('Which gateways records are expected of.'),
  exemptions: z
    .array(
      z.strictObject({
        grant: grantId.describe('The id of the grant.'),
        detector: detectorName.describe('What is not to be found: a detector, of the product or your own.'),
        reason: text(500).describe('Why not, in 500 characters at most.'),
        until: day.describe('The last day of the exemption, UTC.'),
      }),
    )
    .default([])
    .describe(
      'Findings that are not raised for a while; of several for one grant and detector the longest counts.',
    ),
  requests: z
    .strictObject({
      longest_days: days.default(90).describe('Days from now that access may be asked for, at most.'),
    })
    .prefault({})
    .describe('What may be asked for by `grantgate request`.'),
  emergency: z
    .strictObject({
      principals: z
        .array(owner)
        .default([])
        .describe('Who may give themselves access at once: `user:LOGIN`, `group:NAME`; else nobody.'),
      tiers: list(tier).default(['low', 'medium', 'high', 'critical']).describe('To APIs of which tiers.'),
      hours: z.int().min(1).max(8).default(8).describe('For how many hours at most; 8 is the limit.'),
    })
    .prefault({})
    .describe('Access that is merged before anybody has approved it, and attested afterwards.'),
  approval: z
    .strictObject({
      owner_tiers: criticalTiers.describe(
        "Tiers whose API's owner must approve what widens access, and where access must end.",
      ),
      longest_days: days
        .default(90)
        .describe('Days from the pull request on within which access to APIs of these tiers must end.'),
      self_grant: z
        .enum(['refuse', 'approve', 'allow'])
        .default('refuse')
        .describe(
          "A pull request by which its author gains access to such an API: refused, approved by the API's owner, or allowed.",
        ),
      self_review: selfReview.describe(
        "A pull request that certifies or prolongs what is one person's access alone, of any tier: with `refuse` somebody else who answers for it must approve it, so that nobody certifies their own by merging it.",
      ),
    })
    .prefault({})
    .describe(
      'Who must approve what in a pull request. What the base branch says counts, so none can loosen its own rules.',
    ),
  campaigns: z
    .strictObject({
      days: days.default(30).describe('Days until the due date, where `--due` names none.'),
      reminder_days: list(days)
        .default([7, 1])
        .describe('Days before it at which those are reminded who have not finished.'),
      manager_after_days: askManagers(10),
      second_approver: criticalTiers.describe('Tiers whose grants two people must approve.'),
      writes_per_minute: z.int().min(1).default(80).describe('Writes to the forge in a minute.'),
      notices_per_hour: z.int().min(1).default(500).describe('Of these what people are told of, in an hour.'),
    })
    .prefault({})
    .describe('How `review --campaign` asks every owner about every grant.'),
  pull_requests: z
    .strictObject({
      consent: z.boolean().optional().describe('Whether it may open any; left out, its first one asks.'),
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
      merge: z
        .array(recommendation)
        .default([])
        .describe('Recommendations whose pull requests the review merges itself, where the forge lets it.'),
      dashboard: z
        .boolean()
        .default(true)
        .describe('Whether an issue lists what is held back, with boxes to ask for it.'),
      reminder_days: listOrNone(days)
        .default([15, 3])
        .describe('Days before `no_response` applies at which those are reminded who have not answered.'),
      manager_after_days: askManagers(20),
      no_response: z
        .strictObject({
          low: noResponse.default('keep').describe('When the strongest finding is of severity low.'),
          medium: noResponse.default('escalate').describe('Of severity medium.'),
          high: noResponse.default('suspend').describe('Of severity high.'),
          critical: noResponse.default('suspend').describe('Of severity critical.'),
        })
        .prefault({})
        .describe(
          'What becomes of a pull request that nobody has answered for 30 days: keep closes it, escalate asks others too, suspend asks them to suspend what it holds.',
        ),
    })
    .prefault({})
    .describe('How many pull requests reviews may open, and when.'),
});

export type ReviewRules = z.output<typeof reviewFile>;
