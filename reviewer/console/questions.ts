import type { RevisionDiff } from '../../bundle/diff/diffRevisions.ts';
import type { KeptUsage } from '../evidence/usage.ts';
import type { Explained } from '../plan/explainFinding.ts';
import type { Plan } from '../plan/finding.ts';
import type { PlanOptions } from '../planFor.ts';
import type { Replay } from '../replay/replay.ts';

type Commits = { repository: string; base: string; head: string };

/** What may be asked of the background process, and what it answers. Instants are seconds since 1970. */
export type Questions = {
  /** Reads all records and roll-ups once, into a file. */
  read: {
    asked: Pick<PlanOptions, 'decisions' | 'usage' | 'adminToken'> & {
      file: string;
      asOf: number;
      readAt: number;
    };
    /** Null where there are none; what could not be read, and why, is told with it. */
    answer: KeptUsage | null;
  };
  /** Plans a review; {@link Questions.explain} is about the last one. */
  review: {
    asked: Pick<PlanOptions, 'decisions' | 'usage' | 'adminToken' | 'kept'> & { root: string; asOf: number };
    answer: { plan: Plan; faulty: string | null };
  };
  explain: { asked: { fingerprint: string }; answer: Explained | null };
  diff: { asked: Commits & { at: number }; answer: RevisionDiff };
  replay: {
    asked: Commits & { decisions: readonly string[]; asOf: number; days: number };
    answer: Replay;
  };
};
export type Kind = keyof Questions;
export type BackgroundRequest = { id: number; kind: Kind; asked: unknown };
export type BackgroundReply = { id: number } & ({ answer: unknown } | { error: string });
