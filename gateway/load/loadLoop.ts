import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { compareReleases, formatRelease, isOlder, type Release } from '../../bundle/archive/release.ts';
import type { Prepare } from '../decision/prepare.ts';
import { createCountShared } from '../memory/countShared.ts';
import { type Floor, floorOf, isSame } from '../revision/floor.ts';
import type { PostedSnapshot } from '../revision/snapshot.ts';
import type { Found, Source } from '../source/contract/source.ts';
import type { Enforced, FloorFile } from './floorFile.ts';
import { held, heldCode, heldFrom } from './held.ts';
import { LastGoodError } from './lastGood.ts';
import { LoadError, type PostedError, postError } from './loadError.ts';

export type LoaderMessage =
  | { kind: 'attempt' }
  /**
   * Wants a verdict before anything else happens. `assured`: it is meant, however much it takes away; `backwards`: also
   * that it is older than the one in force.
   */
  | {
      kind: 'loaded';
      seq: number;
      origin: 'source' | 'last-good';
      snapshot: PostedSnapshot;
      assured: boolean;
      backwards: boolean;
      /** How long ago the source said that this is its newest; null when nobody knows. */
      confirmedMsAgo: number | null;
    }
  | {
      kind: 'done';
      outcome: 'changed' | 'unchanged' | 'failed';
      error: PostedError | null;
      pokes: number[];
      ms: number;
    }
  /** Whether the bundle in force is kept for the next start; told when it is not, and once it is again. */
  | { kind: 'kept'; error: PostedError | null }
  | { kind: 'note'; code: string; message: string };

type Loaded = Extract<LoaderMessage, { kind: 'loaded' }>;

export type LoadLoop = {
  /** Asks for a look at the source. Pokes that come while one is under way share the next. */
  poke(id: number, force: boolean): void;
  /** What the serving thread made of the snapshot posted with `seq`; null: it is in force. */
  verdict(seq: number, refusal: PostedError | null): void;
  /** Ends after what is under way has been aborted. */
  close(): Promise<void>;
  readonly ended: Promise<void>;
};

export type LoadLoopOptions = {
  source: Source;
  prepare: Prepare;
  /** How many grants of the one in force are gone in the next one. */
  removed: (before: Floor, after: PostedSnapshot) => number;
  /** The share of its grants that one revision may take from the one before. */
  holdShare: number;
  /** The kept bundle, verified; null when there is none. Asked once, when nothing is in force at the start. */
  lastGood: () => Promise<{ bundle: Bundle; confirmedMsAgo: number | null } | null>;
  /** Keeps an accepted bundle for the next start; `force` in place of a newer one. */
  keep: (found: Pick<Found, 'bundle' | 'archive'>, force: boolean) => Promise<void>;
  /** Notes beside the kept bundle, if it is this one, that the source has just said it is its newest. */
  confirm: (release: Release) => Promise<void>;
  /** What was in force in earlier lives; nothing is known of those when left out. */
  floorFile?: FloorFile;
  /** What is in force when it begins; from then on the loop knows, and nobody else in its thread. */
  floor: Floor | null;
  pollMs: number;
  post: (message: LoaderMessage) => void;
  random?: () => number;
};

type Request = { pokes: number[]; force: boolean };

/**
 * Looks at a source again and again, one look at a time: at each poll, on its changes, on pokes. A new bundle is
 * measured against the one in force, prepared, posted, and counts once the serving thread took it. Whatever fails
 * leaves the one in force; the next look starts afresh.
 */
export function startLoadLoop(options: LoadLoopOptions): LoadLoop {
  const { source, prepare, removed, holdShare, keep, pollMs, post, random = Math.random } = options;
  let { floor } = options;
  /** What was in force before this life, until something is. */
  let before: Enforced | null = null;
  const countShared = createCountShared();
  let holding: Floor | null = null;
  let unkept: { found: Found; force: boolean } | null = null;
  let keepFailed = false;
  let closed = false;
  let queued: Request | null = null;
  let wake: (() => void) | null = null;
  let looking: AbortController | null = null;
  let seq = 0;
  let judging: { seq: number; resolve: (refusal: PostedError | null) => void } | null = null;

  const enqueue = (pokes: number[], force: boolean) => {
    queued = { pokes: [...(queued?.pokes ?? []), ...pokes], force: force || (queued?.force ?? false) };
    // What the server holds for us until there is news can be asked again at no loss.
    if (source.waiting) looking?.abort();
    wake?.();
  };

  /** Whether a bundle says again, with a number of its own, what is being held: then it is meant. */
  const isConfirmed = (next: Floor) =>
    holding !== null &&
    compareReleases(next, holding) > 0 &&
    next.digest === holding.digest &&
    next.policy === holding.policy;

  /** Backwards leads only a bundle that is signed as a way back, or from Git whoever may press the button. */
  const isBackwards = (bundle: Bundle, force: boolean): boolean => {
    const last = floor ?? before;
    if (last === null || !isOlder(bundle, last)) return false;
    if (source.kind === 'git' && force) return true;
    const way =
      source.kind === 'git'
        ? 'commit the old state anew, or reload with force'
        : 'release the old state anew, or with --allow-rollback';
    throw new LoadError(
      'counter-rollback',
      compareReleases(bundle, last) === 0
        ? `revision ${bundle.revision} ends before the same release in force, which is valid until ${last.validUntil}`
        : `revision ${bundle.revision} is release ${formatRelease(bundle)}, older than ${formatRelease(last)} ${floor === null ? 'that was in force' : 'in force'}: to go back, ${way}`,
    );
  };

  const holdBack = (before: Floor, next: PostedSnapshot): LoadError | null => {
    if (before.grants < heldFrom || holdShare >= 1) return null;
    const gone = removed(before, next);
    if (gone <= before.grants * holdShare) return null;
    return held(next.revision, `takes away ${gone} of ${before.grants} grants`);
  };

  /** Posts a bundle and waits for the verdict. Throws what speaks against it. */
  const offer = async (
    bundle: Bundle,
    from: Pick<Loaded, 'origin' | 'confirmedMsAgo'>,
    force: boolean,
  ): Promise<'changed' | 'unchanged'> => {
    const backwards = isBackwards(bundle, force);
    const snapshot = prepare(bundle, floor);
    if (floor !== null && isSame(floor, snapshot)) return 'unchanged';
    const assured = force || isConfirmed(snapshot);
    const refusal = await verdictOn(snapshot, { ...from, assured, backwards });
    if (refusal?.code === heldCode) holding = floorOf(snapshot);
    if (refusal !== null) throw refusal;
    [floor, holding] = [floorOf(snapshot), null];
    countShared(floor, floor.lines);
    // Before anybody is told that it is in force. What fails is tried again when the bundle is kept, and told there.
    await options.floorFile?.raise(floor, backwards).catch(() => {});
    return 'changed';
  };

  const verdictOn = async (
    snapshot: PostedSnapshot,
    how: Omit<Loaded, 'kind' | 'seq' | 'snapshot'>,
  ): Promise<LoadError | null> => {
    if (floor !== null && !how.assured) {
      const refusal = holdBack(floor, snapshot);
      if (refusal !== null) return refusal;
    }
    seq += 1;
    const verdict = new Promise<PostedError | null>((resolve) => {
      judging = { seq, resolve };
    });
    post({ kind: 'loaded', seq, snapshot, ...how });
    const refusal = await verdict;
    return refusal === null ? null : new LoadError(refusal.code, refusal.message);
  };

  const look = async (request: Request, signal: AbortSignal): Promise<Found | null> => {
    const { pokes, force } = request;
    // Someone waits for the answer to a poke: the server must not hold it.
    const found = await source.next({ signal, force, wait: pokes.length === 0 });
    if (found === null) return null;
    for (const note of found.notes) post({ kind: 'note', ...note });
    try {
      const outcome = await offer(found.bundle, { origin: 'source', confirmedMsAgo: 0 }, force);
      found.settle(null);
      return outcome === 'changed' ? found : null;
    } catch (error) {
      // What was refused stays refused until the source shows something else.
      if (!closed) found.settle(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  };

  const note = (code: string, error: unknown) =>
    post({ kind: 'note', code, message: postError(error).message });

  const first = async () => {
    if (floor !== null) return;
    try {
      before = (await options.floorFile?.read()) ?? null;
    } catch (error) {
      note('floor-unreadable', error);
    }
    try {
      const kept = await options.lastGood();
      if (kept === null) return;
      const { bundle, confirmedMsAgo } = kept;
      if (before !== null && isOlder(bundle, before))
        throw new LastGoodError(
          `the kept bundle is release ${formatRelease(bundle)}, older than ${formatRelease(before)} that was in force`,
        );
      await offer(bundle, { origin: 'last-good', confirmedMsAgo }, true);
    } catch (error) {
      note('last-good-unusable', error);
    }
  };

  /** A bundle that could not be kept is tried again at each look: a full disk does not stay full for ever. */
  const keepLatest = async () => {
    try {
      if (unkept !== null && floor !== null) await options.floorFile?.raise(floor, unkept.force);
      if (unkept !== null) await keep(unkept.found, unkept.force);
      else if (floor !== null) await options.confirm(floor);
      if (keepFailed) post({ kind: 'kept', error: null });
      [unkept, keepFailed] = [null, false];
    } catch (error) {
      keepFailed = true;
      post({ kind: 'kept', error: postError(error) });
    }
  };

  const run = async () => {
    await first();
    let failures = 0;
    enqueue([], false);
    while (!closed) {
      const request: Request = queued ?? { pokes: [], force: false };
      const { pokes } = request;
      queued = null;
      looking = new AbortController();
      const started = performance.now();
      post({ kind: 'attempt' });
      let wish: number | null = null;
      try {
        const found = await look(request, looking.signal);
        failures = 0;
        const outcome = found === null ? 'unchanged' : 'changed';
        post({ kind: 'done', outcome, error: null, pokes, ms: performance.now() - started });
        // After the answer: nobody waits for the disk.
        if (found !== null) unkept = { found, force: request.force };
        await keepLatest();
      } catch (error) {
        const posted = postError(error);
        if (posted.code === 'aborted') {
          // Nobody asked for it, or someone asked for more: the next look answers.
          if (!closed && pokes.length > 0) enqueue(pokes, request.force);
        } else {
          failures += 1;
          wish =
            error instanceof Error && 'retryAfterMs' in error ? (error.retryAfterMs as number | null) : null;
          post({ kind: 'done', outcome: 'failed', error: posted, pokes, ms: performance.now() - started });
        }
      }
      looking = null;
      if (!closed && queued === null && !(source.eager && failures === 0)) await pause(delay(failures, wish));
    }
  };

  /** Polls are spread a little so that a fleet does not ask as one; failures are asked about sooner at first. */
  const delay = (failures: number, wish: number | null) => {
    const usual = failures === 0 ? pollMs : Math.min(pollMs, 500 * 2 ** Math.min(failures, 16));
    return Math.max(usual * (0.9 + random() * 0.2), wish ?? 0);
  };

  const pause = async (ms: number) => {
    const ended = new AbortController();
    wake = () => ended.abort();
    await sleep(ms, undefined, { signal: ended.signal }).catch(() => {});
    wake = null;
  };

  const unwatch = source.watch(() => enqueue([], false));
  const ended = run();
  return {
    poke: (id, force) => enqueue([id], force),
    verdict(given, refusal) {
      if (judging?.seq !== given) return;
      judging.resolve(refusal);
      judging = null;
    },
    async close() {
      closed = true;
      unwatch();
      looking?.abort();
      judging?.resolve({ code: 'closed', message: 'the gateway is closing', problems: [] });
      wake?.();
      await ended;
      await source.close();
    },
    ended,
  };
}
