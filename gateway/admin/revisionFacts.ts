import type { Snapshot } from '../revision/snapshot.ts';

/** What `/revision` answers; the keys are an interface. */
export type RevisionFacts = {
  revision: string;
  counter: number;
  digest: string;
  grants: number;
  loaded_at: string;
  committed_at: string;
  lag_ms: number | null;
  source: string;
};

type Options = {
  /** The configured address, which holds no credentials. */
  source: string;
  /** When this process started, milliseconds since 1970. */
  startedMs: number;
};

/**
 * Tells of the revision in force. `lag_ms` is how long after the branch moved it came into force here: polling, fetching,
 * compiling and all. The branch moved no earlier than the commit was made, nor than a look here that did not show it, or
 * somebody's word of a push: a commit may be pushed long after it was made. It is null for a commit older than the
 * process that no look told apart: then it would tell of the restart. Two clocks are compared, so the lag is as good as
 * they are; it is never negative.
 */
export function revisionFacts(
  snapshot: Pick<Snapshot, 'revision' | 'counter' | 'digest' | 'grants' | 'loadedMs' | 'committedAt'> &
    Partial<Pick<Snapshot, 'movedMs'>>,
  { source, startedMs }: Options,
): RevisionFacts {
  const { revision, counter, digest, grants, loadedMs, movedMs = null, committedAt } = snapshot;
  const committedMs = Date.parse(committedAt);
  // Git knows whole seconds only: a commit of the second of the start may well be younger.
  const seen = committedMs >= Math.floor(startedMs / 1000) * 1000;
  return {
    revision,
    counter,
    digest,
    grants,
    loaded_at: new Date(loadedMs).toISOString(),
    committed_at: committedAt,
    lag_ms: seen || movedMs !== null ? Math.max(0, loadedMs - Math.max(committedMs, movedMs ?? 0)) : null,
    source,
  };
}
