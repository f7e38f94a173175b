import { readVerifyKeys } from '../../bundle/archive/keys.ts';
import { isOlder } from '../../bundle/archive/release.ts';
import { isOver } from '../decision/lapse.ts';
import { createCountShared } from '../memory/countShared.ts';
import { floorOf } from '../revision/floor.ts';
import { openSnapshot, type PostedSnapshot, type Snapshot } from '../revision/snapshot.ts';
import { parseSource, sourceName } from '../source/contract/parseSource.ts';
import type { SourceConfig } from '../source/openSource.ts';
import { createBranchMoves } from './branchMoves.ts';
import { LoadError, type PostedError, postError } from './loadError.ts';
import type { LoaderMessage } from './loaderMessage.ts';
import { type LoaderTurn, type LoaderWorker, startLoaderThread } from './loaderThread.ts';
import { createLookWaiters, type LookResult } from './lookWaiters.ts';
import type { LoaderData } from './openLoader.ts';
import { createReloadReporter, type ReloadLog, type ReloadStatus } from './reloadStatus.ts';

export type ReloadOptions = {
  source: SourceConfig;
  pollMs: number;
  /** The share of its grants that a revision may take from the one in force without being held. */
  holdShare?: number;
  /** What else speaks against putting a snapshot in force; when it throws, the one before stays. */
  judge?: (snapshot: Snapshot) => Promise<LoadError | null>;
  /** Puts a snapshot in force; when it throws, the one before stays. */
  onSwap: (snapshot: Snapshot, origin: 'source' | 'last-good', confirmedMsAgo: number | null) => void;
  onFailure?: (error: LoadError) => void;
  /** Every look at the source that ended: its result (`changed`, `unchanged` or an error's code) and milliseconds. */
  onLook?: (result: string, ms: number) => void;
  /** Whether the bundle in force is kept for the next start; told when that changes, and when it fails again. */
  onKept?: (ok: boolean) => void;
  log: ReloadLog;
  now?: () => number;
  /** What an earlier loop over the same source put in force; it stays the floor of this one. */
  before?: InForce | null;
  /** A look that takes longer means that the loader hangs; it is replaced. */
  lookTimeoutMs?: number;
  /** In place of a thread of its own. */
  startWorker?: ((data: LoaderData) => LoaderWorker) | undefined;
};

/** What is in force, and as the loader posted it, for the next loader: the same memory. */
export type InForce = { snapshot: Snapshot; posted: PostedSnapshot };

export type Reload = {
  /** The snapshot in force. */
  current(): Snapshot | null;
  /** The same with what another loop goes on from. */
  inForce(): InForce | null;
  /**
   * Looks at the source now; those who ask together share one look. `force` takes what was held, and tries anew
   what was refused before. Rejects with a LoadError when the look fails.
   */
  look(options?: { force?: boolean; pushed?: boolean }): Promise<LookResult>;
  status(): ReloadStatus;
  /** Settles when the first look has ended, well or not. */
  readonly started: Promise<void>;
  close(): Promise<void>;
};

type Loaded = Extract<LoaderMessage, { kind: 'loaded' }>;
type Done = Extract<LoaderMessage, { kind: 'done' }>;

/**
 * Keeps a snapshot in force that follows its source, with a loader thread doing the work. Failures before the swap
 * change nothing; a crashed or hanging loader is replaced. Throws SourceError or LoadError
 * `source-invalid` and BundleError `key-unsupported` at once.
 */
export function startReload(options: ReloadOptions): Reload {
  const { source, pollMs, onSwap, log, now = Date.now } = options;
  const { holdShare = 0.25, judge = async () => null } = options;
  const lookTimeoutMs = options.lookTimeoutMs ?? 300_000 + (source.longPollSeconds ?? 60) * 1000;
  const address = assertSource(source);

  let inForce: InForce | null = options.before ?? null;
  let closing: Promise<void> | null = null;
  const started = Promise.withResolvers<void>();
  const { onFailure, onKept } = options;
  const reporter = createReloadReporter({ source: sourceName(address), log, onFailure, onKept, now });
  const waiters = createLookWaiters();
  const moves = createBranchMoves(now);
  const countShared = createCountShared();

  /** Null when the snapshot is in force. */
  const swap = (snapshot: Snapshot, loaded: Loaded): PostedError | null => {
    const { snapshot: posted, origin, confirmedMsAgo } = loaded;
    const refusal = refusalOf(snapshot, loaded, inForce, now());
    if (refusal !== null) return refusal;
    try {
      onSwap(snapshot, origin, confirmedMsAgo);
    } catch (error) {
      return swapFailed(error);
    }
    inForce = { snapshot, posted };
    countShared(snapshot, posted.lines);
    const { revision, counter, rollback, grants } = snapshot;
    if (origin === 'source') reporter.succeeded(revision);
    log.info({ revision, counter, rollback, grants, origin }, 'bundle in force');
    return null;
  };
  /** The same. */
  const take = async (loaded: Loaded, { isCurrent }: LoaderTurn) => {
    // What others publish tells no time at which it moved.
    const isBranch = address.kind === 'git' && loaded.origin === 'source';
    const snapshot = openSnapshot(loaded.snapshot, now(), isBranch ? moves.movedMs() : null);
    try {
      const refusal = loaded.assured || inForce === null ? null : await judge(snapshot);
      if (refusal !== null) return postError(refusal);
    } catch (error) {
      return swapFailed(error);
    }
    // While it was being judged its loader may have been replaced, and another is on its way.
    return isCurrent() ? swap(snapshot, loaded) : null;
  };

  const finish = ({ outcome, error, waiters: ids, ms }: Done) => {
    options.onLook?.(error?.code ?? outcome, ms);
    const failure = error === null ? null : reporter.failed(error);
    if (failure === null) {
      moves.lookEnded();
      if (inForce !== null) reporter.succeeded(inForce.snapshot.revision);
    }
    const revision = inForce?.snapshot.revision ?? '';
    waiters.settle(ids, failure ?? { changed: outcome === 'changed', revision });
    started.resolve();
  };
  const receive = (message: LoaderMessage, turn: LoaderTurn) => {
    switch (message.kind) {
      case 'attempt':
        return moves.lookBegan();
      case 'loaded':
        return void take(message, turn).then((refusal) =>
          turn.send({ kind: 'verdict', seq: message.seq, refusal }),
        );
      case 'kept':
        return reporter.kept(message.error);
      case 'note':
        return log.warn({ code: message.code }, message.message);
      case 'done':
        return finish(message);
      default:
        message satisfies never;
    }
  };
  const onReplaced = (code: string, message: string) => {
    waiters.rejectAll(reporter.failed({ code, message, problems: [] }));
    started.resolve();
  };

  const loader = startLoaderThread({
    data: () => ({ source, pollMs, holdShare, floor: inForce === null ? null : floorOf(inForce.posted) }),
    lookTimeoutMs,
    startWorker: options.startWorker,
    onMessage: receive,
    onReplaced,
  });
  const close = async () => {
    await loader.close();
    waiters.rejectAll(new LoadError('closed', 'the gateway is closing'));
    started.resolve();
  };
  return {
    current: () => inForce?.snapshot ?? null,
    inForce: () => inForce,
    async look({ force = false, pushed = false } = {}) {
      if (closing !== null || !loader.running())
        throw new LoadError(closing ? 'closed' : 'loader-crashed', 'the loader thread is not running');
      if (pushed) moves.pushed();
      return waiters.add((id) => loader.send({ kind: 'look', id, force }));
    },
    status: () => reporter.status(inForce !== null),
    started: started.promise,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What speaks against a snapshot, whoever has judged it. */
function refusalOf(
  snapshot: Snapshot,
  { origin, backwards }: Loaded,
  inForce: InForce | null,
  nowMs: number,
): PostedError | null {
  if (inForce !== null && isOlder(snapshot, inForce.snapshot) && !backwards)
    return { code: 'counter-rollback', message: 'an older bundle than the one in force', problems: [] };
  // A kept one is taken all the same, and nobody decides by it: so nothing older can come in its place.
  if (origin === 'source' && isOver(snapshot, nowMs)) {
    const message = `the bundle was valid until ${snapshot.validUntil}`;
    return { code: 'bundle-expired', message, problems: [] };
  }
  return null;
}

/** What can be said of a source before anything is asked of it. Throws as {@link startReload} does. */
export function assertSource(source: SourceConfig): ReturnType<typeof parseSource> {
  const address = parseSource(source.url);
  if (address.kind !== 'git' && source.verifyKeyPem === undefined)
    throw new LoadError('source-invalid', 'a bundle from anywhere but Git must be signed: a key is needed');
  if (source.verifyKeyPem !== undefined) readVerifyKeys(source.verifyKeyPem);
  return address;
}

function swapFailed(error: unknown): PostedError {
  const { message } = postError(error);
  return { code: 'swap-failed', message: `the bundle cannot be put in force: ${message}`, problems: [] };
}
