import type { Organisation } from '../../../bundle/grants/organisation.ts';
import type { Frozen, FrozenEntry } from '../../campaign/frozen.ts';
import type { Answer } from '../../campaign/marker.ts';
import type { PartReport, Report } from '../../campaign/report.ts';
import type { ForgeMerge } from '../../forge/mergeOf.ts';
import type { RecordFacts } from '../../records/recordFacts.ts';
import type { Enforcement } from '../enforcement.ts';
import type { GrantChange } from '../grantChanges.ts';
import type { GivenNotice } from '../noticesOf.ts';
import type { GatewayFacts } from '../reportInput.ts';

/** An owner's part as it ended, or stands. Instants in seconds since 1970. */
export type PartFacts = PartReport & {
  entries: readonly FrozenEntry[];
  opened: number | null;
  ended: number | null;
  merge: ForgeMerge | null;
  /** Grant → what was said of it by a comment, or by the rules in nobody's place. */
  answers: ReadonlyMap<string, Answer>;
  /** Since when the rules decide in the owner's place. */
  unanswered: string | null;
  /** Somebody else has written into its description since: what that remembers is not shown. */
  isChanged: boolean;
  notices: readonly GivenNotice[];
};

/** Everything that the tables of a campaign's report are made of. */
export type CampaignInput = {
  frozen: Frozen;
  /** As of when all is told, seconds since 1970: its end, where it has one. */
  at: number;
  report: Report;
  parts: readonly PartFacts[];
  /** The branch as it was then. */
  organisation: Organisation;
  revision: string;
  /** What the commit that was frozen holds, counted again; null where the repository does not have it any more. */
  recount: { grants: number; digest: string } | null;
  /** What became of the grants on the branch from its opening to then. */
  changes: readonly GrantChange[];
  enforcement: Enforcement;
  gateways: readonly GatewayFacts[];
  records: readonly RecordFacts[];
  /** Whom the directory calls so of the forge's names; null for nobody, or more than one. */
  principalOf(login: string): string | null;
};
