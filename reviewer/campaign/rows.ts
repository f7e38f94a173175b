import { dayMs, dayOf } from '../../bundle/format/times.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Decision } from '../pulls/text/decision.ts';
import type { Entry } from '../pulls/text/marker.ts';
import { digestOf } from './freeze.ts';
import type { Frozen, FrozenEntry } from './frozen.ts';
import type { Answers } from './marker.ts';

/** What the campaign is about of one owner. */
export type Part = {
  owner: string;
  entries: readonly FrozenEntry[];
};

/** The owners and what each is asked about, both sorted. */
export function partsOfCampaign({ entries }: Pick<Frozen, 'entries'>): Part[] {
  const parts = new Map<string, FrozenEntry[]>();
  for (const entry of entries) {
    const known = parts.get(entry.owner);
    if (known) known.push(entry);
    else parts.set(entry.owner, [entry]);
  }
  return [...parts]
    .map(([owner, own]) => ({ owner, entries: own }))
    .sort((a, b) => (a.owner < b.owner ? -1 : 1));
}

/**
 * How a grant stands at the base: as it was frozen, changed since, gone, attested since by another way, or over by itself.
 * What has changed is not what was judged, so nothing is done to it until somebody decides anew; what is over gives
 * nothing that anybody could attest.
 */
export type Standing = 'same' | 'changed' | 'gone' | 'attested' | 'ended';

export type Row = {
  number: number;
  entry: FrozenEntry;
  standing: Standing;
  decision?: Decision | undefined;
  /** What is done to the grant, as the review's pull requests hold it; empty where it is left alone. */
  edits: readonly Entry[];
  /** What the table calls it. */
  proposal: string;
};

/** The last day of an attestation: as long as the rules let a grant of the tier go without one. */
const untilOf = ({ tier }: FrozenEntry, { opened }: Frozen, { review }: Pick<Organisation, 'review'>) => {
  const { days, days_others } = review.thresholds.high_access;
  const length = tier === 'high' || tier === 'critical' ? days : days_others;
  return dayOf((Date.parse(opened) + length * dayMs) / 1000);
};

/** What the merge writes beside a grant that is kept: its owner's word, which the history tells the person of. */
const kept = (entry: FrozenEntry, frozen: Frozen, organisation: Pick<Organisation, 'review'>): Decision => ({
  kind: 'keep',
  by: entry.owner,
  at: frozen.opened,
  until: untilOf(entry, frozen, organisation),
  reason: `Campaign ${frozen.name}`,
});

const isRemoval = ({ action }: FrozenEntry) => /^(?:delete|revoke|suspend)$/.test(action);

export type Given = {
  frozen: Frozen;
  organisation: Pick<Organisation, 'review'>;
  /** By id, as the base has them. */
  grants: ReadonlyMap<string, Grant>;
  /** Seconds since 1970. */
  asOf: number;
};

/** Whether somebody has answered for a grant since: not by a review that was there before, whatever day it names. */
export const isAttested = (
  { ahead }: Pick<FrozenEntry, 'ahead'>,
  { review }: Pick<Grant, 'review'>,
  { opened }: Pick<Frozen, 'opened'>,
): boolean => review !== undefined && review.at !== ahead && startOf(review.at) >= startOf(opened);

/** Whether a grant is over, as emergency access soon is; what the review found to be over is proposed to go. */
export const isEnded = (
  { detector }: Pick<FrozenEntry, 'detector'>,
  { expiresAt }: Pick<Grant, 'expiresAt'>,
  asOf: number,
): boolean => detector !== 'expired' && expiresAt !== null && expiresAt <= asOf;

function standingOf(
  entry: Pick<FrozenEntry, 'digest' | 'ahead' | 'detector'>,
  now: Grant | undefined,
  { frozen, asOf, isAnswered }: Pick<Given, 'frozen' | 'asOf'> & { isAnswered: boolean },
): Standing {
  if (now === undefined) return 'gone';
  if (isAttested(entry, now, frozen)) return 'attested';
  if (!isAnswered && isEnded(entry, now, asOf)) return 'ended';
  return digestOf(now) === entry.digest ? 'same' : 'changed';
}

/** What becomes of each grant of a part. `unanswered`: since when the rules decide in the owner's place. */
export function rowsOf(
  { entries }: Part,
  answers: Answers,
  unanswered: string | undefined,
  { frozen, organisation, grants, asOf }: Given,
): Row[] {
  return entries.map((entry, number): Row => {
    const answer = answers.get(number);
    const basis = { ...entry, digest: answer?.digest ?? entry.digest };
    const standing = standingOf(basis, grants.get(entry.grant), {
      ...{ frozen, asOf, isAnswered: answer !== undefined },
    });
    if (standing !== 'same') return { number, entry, standing, edits: [], proposal: standing };
    const asked = (decision?: Decision, action: Entry['action'] = entry.action): Entry => ({
      // Whatever tells two entries apart will do: the campaign knows them by number.
      fingerprint: number.toString(16).padStart(32, '0'),
      ...{ grant: entry.grant, api: entry.api, detector: entry.detector ?? 'high-access', action },
      ...(entry.to !== undefined && { to: entry.to }),
      ...(entry.heir !== undefined && { set: { owner: entry.heir } }),
      ...(decision !== undefined && { decision }),
    });
    const keep = kept(entry, frozen, organisation);
    const row = (proposal: string, edits: readonly Entry[], decision?: Decision): Row => ({
      ...{ number, entry, standing, edits, proposal },
      ...(decision !== undefined && { decision }),
    });
    if (answer !== undefined) {
      const { decision } = answer;
      // What is left of it is attested by the merge too; whoever it is handed to is still to be asked.
      const also = decision.kind === 'narrow' ? [asked(keep)] : [];
      return row(decision.kind, [asked(decision), ...also], decision);
    }
    const rule = unanswered === undefined ? null : organisation.review.pull_requests.no_response[entry.tier];
    // Nobody's silence attests anything.
    if (rule === 'keep') return row('not answered', []);
    if (isRemoval(entry)) return row(entry.action, [asked()]);
    if (rule === 'suspend' && unanswered !== undefined) {
      const suspend: Decision = { kind: 'suspend', by: 'service:grantgate', at: unanswered, unanswered };
      return row('suspend', entry.suspended ? [] : [asked(suspend)], suspend);
    }
    if (entry.action === 'narrow') return row('narrow', [asked(), asked(keep)]);
    if (entry.action === 'reassign' && entry.heir !== undefined)
      return row('reassign', [asked(), asked(keep)]);
    return row('keep', [asked(keep)]);
  });
}
