import { messageOf } from '../../bundle/format/messageOf.ts';
import type { KeptUsage } from '../evidence/usage.ts';
import type { Plan } from '../plan/finding.ts';
import type { Background } from './background.ts';
import type { Standing } from './views/frame.ts';

type Options = {
  root: string;
  decisions: readonly string[];
  usage: readonly string[];
  adminToken: string | null;
  background: Background;
};

/** What a review finds, made anew from time to time. */
export type PlanKeeper = {
  /** Null while nothing is known. */
  plan(): Plan | null;
  /** What is to be said of it; null for nothing. */
  note(): Standing['notes'][number] | null;
  /** Says from now on that a review is under way. */
  noteStart(): void;
  /** Reviews as of an instant, seconds since 1970; `kept`: records that were read. What goes wrong is noted. */
  read(asOf: number, kept: KeptUsage | null): Promise<void>;
};

export function keepPlan({ background, ...evidence }: Options): PlanKeeper {
  let plan: Plan | null = null;
  let note: Standing['notes'][number] | null = null;
  return {
    plan: () => plan,
    note: () => note,
    noteStart() {
      note = {
        text: plan === null ? 'A review is under way; its findings follow.' : 'A new review is under way.',
      };
    },
    async read(asOf, kept) {
      try {
        const asked = { ...evidence, asOf, ...(kept !== null && { kept }) };
        const { plan: next, faulty } = await background.ask('review', asked);
        plan = next;
        note = faulty === null ? null : { text: faulty, bad: true };
      } catch (error) {
        plan = null;
        note = { text: `There are no findings: ${messageOf(error)}`, bad: true };
      }
    },
  };
}
