import type { Source } from '../source/contract/source.ts';
import { type Accepted, createKeepLatest, type KeepLatestOptions } from './keepLatest.ts';
import { type PostedError, postError } from './loadError.ts';
import type { LoaderMessage } from './loaderMessage.ts';
import { createLookQueue, type LookRequest } from './lookQueue.ts';
import { createSuccession, type SuccessionOptions } from './succession.ts';

export type LoadLoop = {
  /** Asks for a look at the source. Looks asked for while one is under way share the next. */
  look(id: number, force: boolean): void;
  /** What the serving thread made of the snapshot posted with `seq`; null: it is in force. */
  verdict(seq: number, refusal: PostedError | null): void;
  /** Ends after what is under way has been aborted. */
  close(): Promise<void>;
  readonly ended: Promise<void>;
};

export type LoadLoopOptions = SuccessionOptions &
  KeepLatestOptions & {
    source: Source;
    pollMs: number;
    post: (message: LoaderMessage) => void;
    random?: () => number;
  };

/**
 * Looks at a source again and again, one look at a time: at each poll, on its changes, when asked. A new bundle is
 * measured against the one in force, prepared, posted, and counts once the serving thread took it. Whatever fails
 * leaves the one in force; the next look starts afresh.
 */
export function startLoadLoop(options: LoadLoopOptions): LoadLoop {
  const { source, pollMs, post, random = Math.random } = options;
  const succession = createSuccession(options);
  const keepLatest = createKeepLatest(options);
  const queue = createLookQueue();
  let closed = false;
  let looking: AbortController | null = null;

  const ask = (request: LookRequest) => {
    queue.ask(request);
    // What the server holds for us until there is news can be asked again at no loss.
    if (source.waiting) looking?.abort();
  };

  /** What is new at the source and counts from now on, or does so already and may be signed anew. */
  const look = async ({ waiters, force }: LookRequest, signal: AbortSignal): Promise<Accepted | null> => {
    // Someone waits for the answer: the server must not hold it.
    const found = await source.next({ signal, force, wait: waiters.length === 0 });
    if (found === null) return null;
    for (const note of found.notes) post({ kind: 'note', ...note });
    try {
      const from = { origin: 'source', confirmedMsAgo: 0 } as const;
      const outcome = await succession.offer(found.bundle, from, force);
      found.acknowledge(null);
      const again = outcome === 'unchanged';
      // From Git, there is nothing else to keep than what was packed here.
      return again && found.archive === null ? null : { found, force: force && !again, again };
    } catch (error) {
      // What was refused stays refused until the source shows something else.
      if (!closed) found.acknowledge(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  };

  /** A look, told and kept; null where it was given up. */
  const lookAndTell = async (request: LookRequest): Promise<Looked | null> => {
    const { waiters } = request;
    looking = new AbortController();
    const startedMs = performance.now();
    const done = (outcome: 'changed' | 'unchanged' | 'failed', error: PostedError | null) =>
      post({ kind: 'done', outcome, error, waiters, ms: performance.now() - startedMs });
    post({ kind: 'attempt' });
    try {
      const accepted = await look(request, looking.signal);
      done(accepted === null || accepted.again ? 'unchanged' : 'changed', null);
      // After the answer: nobody waits for the disk.
      await keepLatest(succession.floor, accepted);
      return { failed: false };
    } catch (error) {
      const posted = postError(error);
      if (posted.code !== 'aborted') {
        done('failed', posted);
        return { failed: true, wishMs: wishOf(error) };
      }
      // Nobody asked for it, or someone asked for more: the next look answers.
      if (!closed && waiters.length > 0) ask(request);
      return null;
    } finally {
      looking = null;
    }
  };

  const run = async () => {
    await succession.inherit();
    let failures = 0;
    ask({ waiters: [], force: false });
    while (!closed) {
      const looked = await lookAndTell(queue.take());
      if (looked !== null) failures = looked.failed ? failures + 1 : 0;
      if (closed || !queue.isEmpty || (source.eager && failures === 0)) continue;
      await queue.pause(pauseMs(failures, looked?.wishMs ?? 0));
    }
  };

  /** Polls are spread a little so that a fleet does not ask as one; failures are asked about sooner at first. */
  const pauseMs = (failures: number, wishMs: number) => {
    const usualMs = failures === 0 ? pollMs : Math.min(pollMs, 500 * 2 ** Math.min(failures, 16));
    return Math.max(usualMs * (0.9 + random() * 0.2), wishMs);
  };

  const unwatch = source.watch(() => ask({ waiters: [], force: false }));
  const ended = run();
  return {
    look: (id, force) => ask({ waiters: [id], force }),
    verdict: succession.verdict,
    async close() {
      closed = true;
      unwatch();
      looking?.abort();
      succession.abandon();
      queue.wake();
      await ended;
      await source.close();
    },
    ended,
  };
}

/** How a look ended, and how long whoever answered asks us to stay away. */
type Looked = { failed: boolean; wishMs?: number | null };

const wishOf = (error: unknown): number | null =>
  error instanceof Error && 'retryAfterMs' in error && typeof error.retryAfterMs === 'number'
    ? error.retryAfterMs
    : null;
