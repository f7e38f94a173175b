import { daySeconds } from '../../bundle/format/times.ts';
import { cadenceDays, endOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';

type Sides = { base: Organisation; head: Organisation };

/**
 * What lets reviews ask about a grant later than before, and gives nobody anything, so that no difference of access shows
 * it: a keep beyond the day on which it is to be certified, a rarer cadence, an exemption. In words, in the order of head,
 * by the thresholds of base. `asOf`: seconds since 1970.
 */
export function putOff({ base, head }: Sides, asOf: number): { grant: Grant; detail: string }[] {
  const was = new Map(base.grants.map((grant) => [grant.id, grant]));
  const known = new Set(base.review.exemptions.map((one) => exemptionKey(one)));
  const fresh = Map.groupBy(
    head.review.exemptions.filter((one) => !known.has(exemptionKey(one))),
    ({ grant }) => grant,
  );
  return head.grants.flatMap((grant) => {
    const before = was.get(grant.id);
    const details = [
      ...keptLonger(before, grant, { base, asOf }),
      ...(before !== undefined && restOf(grant) > restOf(before)
        ? [`may lie idle for longer (cadence: ${grant.cadence ?? ''})`]
        : []),
      ...(fresh.get(grant.id) ?? []).map(
        ({ detector, until }) => `is exempt from ${detector} until ${until}`,
      ),
    ];
    return details.length === 0 ? [] : [{ grant, detail: `${grant.id} ${details.join(', ')}` }];
  });
}

type Exemption = Organisation['review']['exemptions'][number];
const exemptionKey = ({ grant, detector, until }: Exemption) => `${grant} ${detector} ${until}`;

function keptLonger(
  before: Grant | undefined,
  { api, review }: Grant,
  { base, asOf }: { base: Organisation; asOf: number },
): string[] {
  const until = review?.until;
  if (until === undefined || before?.review?.until === until) return [];
  const tier = base.apis.get(api)?.tier;
  const { days, days_others } = base.review.thresholds.high_access;
  const most = tier === 'high' || tier === 'critical' ? days : days_others;
  // A day in the file lasts to its end, and its author's clock may be ahead.
  if (endOf(until) <= asOf + (most + 2) * daySeconds) return [];
  return [`is kept until ${until}, and would be certified again after ${most} days`];
}

const restOf = ({ cadence }: Grant) =>
  cadence === undefined ? 0 : cadence === 'break-glass' ? Number.POSITIVE_INFINITY : cadenceDays[cadence];
