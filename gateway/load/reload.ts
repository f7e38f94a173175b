import { readVerifyKeys } from '../../bundle/archive/keys.ts';
import { isOlder } from '../../bundle/archive/release.ts';
import { isOver } from '../decision/lapse.ts';
import { createCountShared } from '../memory/countShared.ts';
import { floorOf } from '../revision/floor.ts';
import { openSnapshot, type PostedSnapshot, type Snapshot } from '../revision/snapshot.ts';
import { parseSource, sourceName } from '../source/contract/parseSource.ts';
import type { SourceConfig } from '../source/openSource.ts';
import { heldCode } from './held.ts';
import { LoadError, type PostedError, postError } from './loadError.ts';
import type { LoaderMessage } from './loaderMessage.ts';
import { type LoaderTurn, type LoaderWorker, startLoaderThread } from './loaderThread.ts';
import { createNoteKept } from './noteKept.ts';
import type { LoaderData } from './openLoader.ts';

export type ReloadStatus = {
  /**
   * `empty`: nothing to decide by. `failing`: the newest bundle cannot be had or taken, an older one is in force.
   * `held`: it can, but would take so much away that it waits for somebody to say that this is meant.
   */
  state: 'ok' | 'failing' | 'held' | 'empty';
  source: string;
  lastError?: { code: string; message: string; problems: readonly string[]; atMs: number };
  /** The last look that ended well, changed or not; `atMs` is milliseconds since 1970. */
  lastSuccess?: { revision: string; atMs: number };
};

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
  log: Pick<
    Record<'info' | 'warn' | 'error', (facts: object, message: string) => void>,
    'info' | 'warn' | 'error'
  >;
  now?: () => number;
  /** What an earlier loop over the same source put in force; it stays the floor of this one. */
  before?: Standing | null;
  /** A look that takes longer means that the loader hangs; it is replaced. */
  lookTimeoutMs?: number;
  /** In place of a thread of its own. */
  startWorker?: ((data: LoaderData) => LoaderWorker) | undefined;
};

/** What is in force, and as the loader posted it, for the next loader: the same memory. */
export type Standing = { snapshot: Snapshot; posted: PostedSnapshot };

export type Reload = {
  /** The snapshot in force. */
  current(): Snapshot | null;
  /** The same with what another loop goes on from. */
  standing(): Standing | null;
  /**
   * Looks at the source now; pokes that come together share one look. `force` takes what was held, and tries anew
   what was refused before. Rejects with a LoadError when the look fails.
   */
  poke(options?: { force?: boolean; pushed?: boolean }): Promise<{ changed: boolean; revision: string }>;
  status(): ReloadStatus;
  /** Settles when the first look has ended, well or not. */
  readonly started: Promise<void>;
  close(): Promise<void>;
};

type Loaded = Extract<LoaderMessage, { kind: 'loaded' }>;

type Poke = {
  resolve: (result: { changed: boolean; revision: string }) => void;
  reject: (error: LoadError) => void;
};

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

  let standing: Standing | null = options.before ?? null;
  const countShared = createCountShared();
  /** When the last look that ended well began, and the one under way; the last word of a push, and that before the look. */
  const looks = { seen: null as number | null, began: 0, asked: 0, told: 0 };
  const noteKept = createNoteKept({ onKept: options.onKept, log });
  let lastError: ReloadStatus['lastError'];
  let lastSuccess: ReloadStatus['lastSuccess'];
  let pokes = new Map<number, Poke>();
  let lastPoke = 0;
  let closing: Promise<void> | null = null;
  const started = Promise.withResolvers<void>();

  const fail = ({ code, message, problems }: PostedError) => {
    const again = lastError?.code === code && lastError.message === message;
    lastError = { code, message, problems, atMs: now() };
    const error = new LoadError(code, message, { problems });
    // The same failure at every poll is one line in the log.
    if (!again) log.error({ code, problems: problems.slice(0, 20) }, `bundle not loaded: ${message}`);
    options.onFailure?.(error);
    return error;
  };

  const succeed = ({ revision }: Snapshot) => {
    if (lastError !== undefined) log.info({ revision }, 'bundle source recovered');
    lastError = undefined;
    lastSuccess = { revision, atMs: now() };
  };

  /** Null when the snapshot is in force. */
  const swap = (
    snapshot: Snapshot,
    { snapshot: posted, origin, backwards, confirmedMsAgo }: Loaded,
  ): PostedError | null => {
    if (standing !== null && isOlder(snapshot, standing.snapshot) && !backwards)
      return { code: 'counter-rollback', message: 'an older bundle than the one in force', problems: [] };
    // A kept one is taken all the same, and nobody decides by it: so nothing older can come in its place.
    if (origin === 'source' && isOver(snapshot, now()))
      return {
        code: 'bundle-expired',
        message: `the bundle was valid until ${snapshot.validUntil}`,
        problems: [],
      };
    try {
      onSwap(snapshot, origin, confirmedMsAgo);
    } catch (error) {
      return swapFailed(error);
    }
    standing = { snapshot, posted };
    countShared(snapshot, posted.lines);
    if (origin === 'source') succeed(snapshot);
    const { revision, counter, rollback, grants } = snapshot;
    log.info({ revision, counter, rollback, grants, origin }, 'bundle in force');
    return null;
  };

  /** A branch was where it was when we last looked, and until somebody told us. What others publish tells no such time. */
  const movedAt = ({ origin }: Loaded): number | null =>
    address.kind === 'git' && origin === 'source' && looks.seen !== null
      ? Math.max(looks.seen, looks.told)
      : null;

  /** Null when the snapshot is in force. */
  const take = async (loaded: Loaded, { isCurrent }: LoaderTurn) => {
    const snapshot = openSnapshot(loaded.snapshot, now(), movedAt(loaded));
    try {
      const refusal = loaded.assured || standing === null ? null : await judge(snapshot);
      if (refusal !== null) return postError(refusal);
    } catch (error) {
      return swapFailed(error);
    }
    // While it was being judged its loader may have been replaced, and another is on its way.
    return isCurrent() ? swap(snapshot, loaded) : null;
  };

  const receive = (message: LoaderMessage, turn: LoaderTurn) => {
    switch (message.kind) {
      case 'attempt':
        looks.began = now();
        looks.told = looks.asked;
        return;
      case 'loaded':
        void take(message, turn).then((refusal) => turn.send({ kind: 'verdict', seq: message.seq, refusal }));
        return;
      case 'kept':
        noteKept(message.error);
        return;
      case 'note':
        log.warn({ code: message.code }, message.message);
        return;
      case 'done':
        finish(message);
        return;
      default:
        message satisfies never;
    }
  };

  const finish = ({ outcome, error, pokes: ids, ms }: Extract<LoaderMessage, { kind: 'done' }>) => {
    options.onLook?.(error?.code ?? outcome, ms);
    if (error === null) looks.seen = looks.began;
    const failure = error === null ? null : fail(error);
    if (failure === null && standing !== null) succeed(standing.snapshot);
    for (const id of ids) {
      const poke = pokes.get(id);
      pokes.delete(id);
      if (failure !== null) poke?.reject(failure);
      else poke?.resolve({ changed: outcome === 'changed', revision: standing?.snapshot.revision ?? '' });
    }
    started.resolve();
  };

  const onReplaced = (code: string, message: string) => {
    const error = fail({ code, message, problems: [] });
    const waiting = pokes;
    pokes = new Map();
    for (const poke of waiting.values()) poke.reject(error);
    started.resolve();
  };

  const close = async () => {
    await loader.close();
    for (const poke of pokes.values()) poke.reject(new LoadError('closed', 'the gateway is closing'));
    pokes.clear();
    started.resolve();
  };

  const loader = startLoaderThread({
    data: () => ({ source, pollMs, holdShare, floor: standing === null ? null : floorOf(standing.posted) }),
    lookTimeoutMs,
    startWorker: options.startWorker,
    onMessage: receive,
    onReplaced,
  });
  return {
    current: () => standing?.snapshot ?? null,
    standing: () => standing,
    poke({ force = false, pushed = false } = {}) {
      if (closing !== null || !loader.running())
        return Promise.reject(
          new LoadError(closing ? 'closed' : 'loader-crashed', 'the loader thread is not running'),
        );
      lastPoke += 1;
      const id = lastPoke;
      return new Promise((resolve, reject) => {
        if (pushed) looks.asked = now();
        pokes.set(id, { resolve, reject });
        loader.send({ kind: 'poke', id, force });
      });
    },
    status: () => ({
      state: stateOf(standing !== null, lastError),
      source: sourceName(address),
      ...(lastError === undefined ? {} : { lastError }),
      ...(lastSuccess === undefined ? {} : { lastSuccess }),
    }),
    started: started.promise,
    close() {
      closing ??= close();
      return closing;
    },
  };
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

function stateOf(serves: boolean, lastError: ReloadStatus['lastError']): ReloadStatus['state'] {
  if (!serves) return 'empty';
  if (lastError === undefined) return 'ok';
  return lastError.code === heldCode ? 'held' : 'failing';
}
