import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { ForgeMerge } from '../forge/mergeOf.ts';
import type { Plan } from '../plan/finding.ts';
import type { Basis } from '../pulls/text/sections.ts';
import type { RecordFacts } from '../records/recordFacts.ts';
import type { Enforcement } from './enforcement.ts';
import type { GrantChange, Period } from './grantChanges.ts';
import type { Leaver } from './leavers.ts';
import type { PullNotices } from './noticesOf.ts';

/** What one gateway says that it enforces; as `/revision` answers. */
export type GatewayFacts = {
  url: string;
  revision: string | null;
  grants: number | null;
  digest: string | null;
  error: string | null;
};

/** Everything that the tables are made of. Instants in seconds since 1970. */
export type ReportInput = {
  period: Period;
  organisation: Organisation;
  /** As of the end of the period. */
  plan: Plan;
  changes: readonly GrantChange[];
  leavers: readonly Leaver[];
  enforcement: Enforcement;
  /** Commit → the pull request that it is the merge of, as the forge has it; null where no forge was asked. */
  merges: ReadonlyMap<string, ForgeMerge> | null;
  /** What the review said in merged pull requests of its own that they rest on, by their numbers; null where somebody has written into one since. */
  bases: ReadonlyMap<number, Basis | null>;
  /** The pull requests of emergencies that somebody has attested, as the review says there. */
  attested: ReadonlySet<number>;
  /** The notices on pull requests of the review in the period; null where no forge was asked. */
  notices: readonly PullNotices[] | null;
  gateways: readonly GatewayFacts[];
  records: readonly RecordFacts[];
  /** Whom the directory calls so of the forge's names; null for nobody, or more than one. */
  principalOf(login: string): string | null;
  /** grants → allowed requests in the period; null without records. */
  uses: ReadonlyMap<string, { count: number; last: number }> | null;
};
