import type { Bundle } from '../../../bundle/archive/bundle.ts';

/** Something new that a source has found: a bundle, verified or just compiled. */
export type Found = {
  bundle: Bundle;
  /** The signed archive it came in; null from Git, where the commit stands for it. */
  archive: Buffer | null;
  /** What the operator should know though it is no error, each with a stable code. */
  notes: readonly { code: string; message: string }[];
  /**
   * Says what became of it: null for accepted, or why it was refused. Until the source shows something else, an
   * accepted one counts as unchanged and a refused one fails again with the same error, without the work.
   */
  acknowledge(refusal: Error | null): void;
};

/** Where bundles come from. One call of `next` at a time. */
export type Source = {
  readonly kind: 'git' | 'file' | 'https' | 'oci' | 's3';
  /** The configured address, which holds no credentials. */
  readonly name: string;
  /** The server holds the request until there is news: ask again at once. */
  readonly eager: boolean;
  /** A request is being held by the server; it may be aborted at no loss. */
  readonly waiting: boolean;
  /**
   * Fetches what changed since the last accepted bundle; null when nothing did. `force` looks again at what was
   * refused; `wait` lets the server hold the request until there is news. Throws SourceError, BundleError or the
   * refusal given to `acknowledge`.
   */
  next(options: { signal: AbortSignal; force?: boolean; wait?: boolean }): Promise<Found | null>;
  /** Calls back when a change may have happened; returns how to stop. */
  watch(onChange: () => void): () => void;
  close(): Promise<void>;
};

export type SourceErrorCode =
  | 'source-invalid' // the configuration of the source
  | 'source-unreachable'
  | 'source-unauthorized'
  | 'source-not-found'
  | 'source-redirected'
  | 'source-timeout'
  | 'source-too-large'
  | 'source-answer' // an answer no bundle server should give
  | 'source-digest' // other bytes than the digest they were asked by
  | 'source-locked'
  | 'branch-missing'
  | 'commit-unsigned' // the tip of the branch, where signers are demanded
  | 'commit-signer' // it is signed, but by none of them
  | 'git-missing'
  | 'git-failed'
  | 'aborted';

/** A source could not say what its newest bundle is. `retryAfterMs` is the server's wish, if it had one. */
export class SourceError extends Error {
  readonly code: SourceErrorCode;
  readonly retryAfterMs: number | null;
  constructor(
    code: SourceErrorCode,
    message: string,
    { retryAfterMs = null, ...options }: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.name = 'SourceError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Verifies an archive that was just fetched; a refusal is remembered. Throws what `verify` throws. */
export async function takeArchive(
  archive: Buffer,
  verify: (archive: Buffer) => Promise<Bundle>,
  acknowledge: Found['acknowledge'],
): Promise<Found> {
  try {
    return { bundle: await verify(archive), archive, notes: [], acknowledge };
  } catch (error) {
    if (error instanceof Error) acknowledge(error);
    throw error;
  }
}

/** What a source remembers of the last thing it showed. `key` is a commit or a digest. */
export type LastFound = {
  /** Null: go on and look at it. 'unchanged': it is the accepted one. Throws the refusal of a refused one. */
  check(key: string, force: boolean): 'unchanged' | null;
  acknowledge(key: string, refusal: Error | null): void;
  readonly accepted: string | null;
};

export function createLastFound(): LastFound {
  let accepted: string | null = null;
  let refused: { key: string; error: Error } | null = null;
  return {
    get accepted() {
      return accepted;
    },
    check(key, force) {
      if (key === accepted) {
        refused = null;
        return 'unchanged';
      }
      if (refused?.key === key && !force) throw refused.error;
      return null;
    },
    acknowledge(key, refusal) {
      if (refusal === null) accepted = key;
      refused = refusal === null ? null : { key, error: refusal };
    },
  };
}
