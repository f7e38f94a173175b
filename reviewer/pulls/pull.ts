import type { Rule } from './unanswered.ts';

/** What became of a pull request that the plan asks for. */
export type Pull = {
  /** Null while there is none. */
  number: number | null;
  url: string | null;
  branch: string;
  grants: readonly string[];
  /**
   * `reminded`: nothing has changed, and people were told that they are waited for.
   * `merged`: by the review itself, as review.yaml lets it. `held`: a limit or an answer keeps it back. `blocked`: no merge could put it right, somebody has to, elsewhere.
   * `failed`: it could not be brought in line, and the run says so.
   */
  action:
    | 'opened'
    | 'reopened'
    | 'updated'
    | 'unchanged'
    | 'reminded'
    | 'closed'
    | 'merged'
    | 'held'
    | 'blocked'
    | 'failed';
  /** Why it was held, closed or left alone. */
  reason?: string;
  /** Of one that waits for an answer: from when on which rule holds without one. */
  no_response?: { at: string; rule: Rule };
};
