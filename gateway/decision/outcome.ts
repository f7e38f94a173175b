/**
 * How a request ended at the door. `refused`: no decision was reached (400, 401, 404); `denied`: the policy said no;
 * `limited`: allowed, but too often; `broken`: we could not decide or record.
 */
export type Outcome = {
  api: string;
  operation: string;
  outcome: 'allowed' | 'denied' | 'limited' | 'refused' | 'broken';
  reason: string;
  /** What of a decision is measured; left out where none was reached. */
  decision?: { nanoseconds: number };
  regressed?: boolean;
};
