export type SyncErrorCode =
  | 'sync-config' // sync.yaml, or a secret that is not set
  | 'sync-unauthorized'
  | 'sync-forbidden'
  | 'sync-not-found'
  | 'sync-limited' // throttled for longer than we wait
  | 'sync-failed' // the provider's own fault, again and again
  | 'sync-unreachable'
  | 'sync-answer' // an answer that the provider's documentation does not have
  | 'sync-incomplete' // not every page could be read
  | 'sync-gone' // the place in a list that we were at is forgotten, again and again; or a request is not taken
  | 'sync-shrunk' // fewer people than is plausible
  | 'sync-invalid' // read whole, but no directory that grants could rest on
  | 'sync-state' // what the next read could have gone on from cannot be kept; all else was done
  | 'aborted';

/** A directory was not read whole, or is not to be believed: nothing was written. The message never holds a secret. */
export class SyncError extends Error {
  readonly code: SyncErrorCode;
  /** How long the provider asks to wait, ms; null where it does not say. */
  readonly waitMs: number | null;
  constructor(code: SyncErrorCode, message: string, options?: ErrorOptions & { waitMs?: number }) {
    super(message, options);
    this.name = 'SyncError';
    this.code = code;
    this.waitMs = options?.waitMs ?? null;
  }
}
