import type { PullCheck } from '../../../reviewer/check/pullCheck.ts';

const commits = { base: 'a'.repeat(40), head: 'b'.repeat(40) };

/** A check that found nothing; `changes` is what it found otherwise. */
export const checkOf = (changes: Partial<PullCheck> = {}): PullCheck => ({
  version: 1,
  ...commits,
  asOf: 1_795_435_200,
  ...{ problems: [], moreProblems: 0, failures: 0 },
  access: { summary: 'Nobody gains or loses access.', rows: [], more: 0, notes: [], moreNotes: 0 },
  ...{ findings: [], moreFindings: 0, findingFailures: 0, requirements: [] },
  ...{ selfGrant: 'refuse', gainers: [], gainersCut: false, replay: null },
  ...changes,
});

const none = { requests: 0, callers: 0, by: [], more: 0 };

/** A replay in which nothing changes. */
export const replayOf = (changes: Partial<NonNullable<PullCheck['replay']>> = {}): PullCheck['replay'] => ({
  ...commits,
  asOf: 1_795_435_200,
  window: {
    ...{ from: 1_795_000_000, to: 1_795_435_200, coverage: 1, lostMinutes: 0 },
    ...{ instances: 2, files: 4 },
  },
  covered: true,
  requests: { recorded: 10, replayed: 10, allowed: 9, lapsed: 0 },
  ...{ denied: none, unproven: none, ending: none, allowed: none, skipped: [] },
  ...changes,
});
