import type { Detector, DetectorName, OwnDetectorName, Recommendation } from '../../bundle/grants/names.ts';
import type { Fault } from '../detect/faults.ts';
import type { Action, Severity } from '../detect/judge.ts';
import type { Observed } from '../detect/observed.ts';
import type { ReviewEntry } from '../edit/edit.ts';
import type { Narrowed } from '../edit/narrow.ts';

/** What `recertify`, `renew` and `reassign` write. */
export type SetKeys =
  | { review: Omit<ReviewEntry, 'until'> }
  | { expires: string }
  | { owner: string }
  | { principal: string }
  | { limits: { rate: string } }
  | { conditions: { mfa: true } | { networks: string[] } };

/** What was seen of a grant's use in the window that was looked at; its instants are RFC 3339. */
export type SeenUse = {
  window: { from: string; to: string };
  /** Share of the window that the records vouch for. */
  coverage: number;
  lost_minutes?: number;
  allows: number;
  days_used: number;
  /** Also one before the window. */
  last_used?: string;
  used: readonly string[];
  unused: readonly string[];
};

/** Where no window was looked at, there is none of it: `window` tells. */
type Use = SeenUse | { [key in keyof SeenUse]?: never };

/** The evidence of every finding: the grant's own dates, and its use where the policies asked for that. */
export type SeenGrant = { granted: string; expires?: string } & Use;

/** What the directories say of the principal; `account` is null where they do not know it. */
export type SeenAccount = {
  account: string | null;
  provider?: string;
  synced?: string;
  last_sign_in?: string;
};

type OrphanDetector = 'orphan-disabled' | 'orphan-missing';

/** Evidence, by the detector that saw it. */
export type Seen =
  | { detector: OrphanDetector; evidence: SeenGrant & SeenAccount }
  | { detector: 'dormant'; evidence: SeenGrant & { suspended?: string } }
  | { detector: Recommendation; evidence: SeenGrant & SeenUses }
  | {
      detector: Exclude<Detector, OrphanDetector | Recommendation | 'dormant'> | OwnDetectorName;
      evidence: SeenGrant;
    };

/** What was seen where a control is recommended, and what the recorded requests say of it. */
export type SeenUses = { observed: Observed; replayed: { requests: number; refused: 0 } };

/** What a detector found of a grant and proposes to do, as `review --json` prints it. */
export type Finding = Seen & {
  /** Stable for as long as the same is proposed for the same reason. */
  fingerprint: string;
  grant: string;
  principal: string;
  api: string;
  action: Action;
  /** With `narrow`: to what. */
  to?: Narrowed;
  /** With `renew`, `reassign` and `recertify`: the keys that the grant gets. */
  set?: SetKeys;
  severity: Severity;
  owner: string;
  /** What, who and why, in plain English. */
  sentence: string;
  /** The grant's text in its file, before and after; `after` is empty when the grant goes. */
  change: { file: string; before: string; after: string };
  /** A recommendation of a kind that the review may merge itself. */
  merges?: true;
  /** Detectors that found something too, but less than the grant's removal. */
  also?: readonly DetectorName[];
};

/** What a review found and would do. The same inputs give the same plan. */
export type Plan = {
  as_of: string;
  revision: string | null;
  population: { grants: number; digest: string };
  evidence: {
    from: string;
    records: number;
    instances: number;
    coverage: number;
    /** Files that could not be read: their time is not covered. */
    unreadable?: readonly string[];
    /** Days whose roll-ups vouch for nothing, and why. */
    faulty?: readonly { instance: string; day: string; reason: string }[];
    /** Instances that gave numbers twice: what they may be missing nobody can tell. */
    repeated?: readonly { instance: string; numbers: number }[];
    /** Instances whose clock is ahead, by so many minutes at least: the last so many are not covered. */
    ahead?: readonly { instance: string; minutes: number }[];
  };
  findings: readonly Finding[];
  not_evaluable: readonly { grant: string; detectors: readonly DetectorName[]; coverage: number }[];
  /** Recommendations were asked for; else nothing is said of those that were made before. */
  recommended?: true;
  /** What would have been recommended, were it not for what the recorded requests show. */
  withdrawn?: readonly { grant: string; detector: Recommendation; why: string }[];
  /** What could not be judged: a grant, or by one detector; everything else was. */
  faults?: readonly Fault[];
  exempt: readonly { grant: string; detector: DetectorName; until: string; reason: string }[];
};
