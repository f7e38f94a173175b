/** What became of a pull request that the plan asks for. */
export type Pull = {
  /** Null while there is none. */
  number: number | null;
  url: string | null;
  branch: string;
  grants: readonly string[];
  /**
   * `merged`: by the review itself, as review.yaml lets it. `held`: a limit or an answer keeps it back. `blocked`: no merge could put it right, somebody has to, elsewhere.
   * `failed`: it could not be brought in line, and the run says so.
   */
  action:
    | 'opened'
    | 'reopened'
    | 'updated'
    | 'unchanged'
    | 'closed'
    | 'merged'
    | 'held'
    | 'blocked'
    | 'failed';
  /** Why it was held, closed or left alone. */
  reason?: string;
};
