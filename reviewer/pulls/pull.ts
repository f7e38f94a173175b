/** What became of a pull request that the plan asks for. */
export type Pull = {
  /** Null while there is none. */
  number: number | null;
  url: string | null;
  branch: string;
  grants: readonly string[];
  action: 'opened' | 'updated' | 'unchanged' | 'held';
  /** Why it was held, or left alone. */
  reason?: string;
};
