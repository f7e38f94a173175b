import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../bundle/assemble.ts';
import { LoadError, type PostedError, postError } from './loadError.ts';
import type { Prepare } from './prepare.ts';
import type { PostedSnapshot } from './snapshot.ts';
import type { Found, Source } from './source/source.ts';

/** The bundle in force, as far as the next one is measured against it. */
export type Floor = Pick<PostedSnapshot, 'revision' | 'counter' | 'digest' | 'policy' | 'grants'>;

export type LoaderMessage =
  | { kind: 'attempt' }
  /** Wants a verdict before anything else happens. */
  | { kind: 'loaded'; seq: number; origin: 'source' | 'last-good'; snapshot: PostedSnapshot }
  | {
      kind: 'done';
      outcome: 'changed' | 'unchanged' | 'failed';
      error: PostedError | null;
      pokes: number[];
      ms: number;
    }
  | { kind: 'note'; code: string; message: string };

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
  /** The kept bundle, verified; null when there is none. Asked once, when nothing is in force at the start. */
  lastGood: () => Promise<Bundle | null>;
  /** Keeps an accepted bundle for the next start. */
  keep: (found: Pick<Found, 'bundle' | 'archive'>) => Promise<void>;
  floor: Floor | null;
  pollMs: number;
  post: (message: LoaderMessage) => void;
  random?: () => number;
};

type Request = { pokes: number[]; force: boolean };

/** Below this many grants, one more or less is a large share. */
const collapseFrom = 20;
const collapseShare = 0.1;

/**
 * Looks at a source again and again, one look at a time: at each poll, on its changes, on pokes. A new bundle is
 * measured against the one in force, prepared, posted, and counts once the serving thread took it. Whatever fails
 * leaves the one in force; the next look starts afresh.
 */
export function startLoadLoop(options: LoadLoopOptions): LoadLoop {
  const { source, prepare, keep, pollMs, post, random = Math.random } = options;
  let { floor } = options;
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

  /** Posts a bundle and waits for the verdict. Throws what speaks against it. */
  const offer = async (
    bundle: Bundle,
    origin: 'source' | 'last-good',
    force: boolean,
  ): Promise<'changed' | 'unchanged'> => {
    if (floor !== null && bundle.counter < floor.counter)
      throw new LoadError(
        'counter-rollback',
        `revision ${bundle.revision} is number ${bundle.counter}, older than number ${floor.counter} in force: to go back, commit the old state anew`,
      );
    if (
      floor !== null &&
      floor.grants >= collapseFrom &&
      bundle.grants < floor.grants * collapseShare &&
      !force
    )
      throw new LoadError(
        'grants-collapsed',
        `revision ${bundle.revision} leaves ${bundle.grants} of ${floor.grants} grants: if that is meant, reload with force`,
      );
    const snapshot = prepare(bundle);
    const { revision, counter, digest, policy, grants } = snapshot;
    if (floor?.revision === revision && floor.digest === digest && floor.policy === policy)
      return 'unchanged';
    seq += 1;
    const verdict = new Promise<PostedError | null>((resolve) => {
      judging = { seq, resolve };
    });
    post({ kind: 'loaded', seq, origin, snapshot });
    const refusal = await verdict;
    if (refusal !== null) throw new LoadError(refusal.code, refusal.message);
    prepare.accepted(snapshot);
    floor = { revision, counter, digest, policy, grants };
    return 'changed';
  };

  const look = async (request: Request, signal: AbortSignal): Promise<Found | null> => {
    const { pokes, force } = request;
    // Someone waits for the answer to a poke: the server must not hold it.
    const found = await source.next({ signal, force, wait: pokes.length === 0 });
    if (found === null) return null;
    for (const note of found.notes) post({ kind: 'note', ...note });
    try {
      const outcome = await offer(found.bundle, 'source', force);
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
      const bundle = await options.lastGood();
      if (bundle !== null) await offer(bundle, 'last-good', true);
    } catch (error) {
      note('last-good-unusable', error);
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
        if (found !== null) await keep(found).catch((error: unknown) => note('last-good-not-kept', error));
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
