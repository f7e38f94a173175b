import { heldCode } from './held.ts';
import { LoadError, type PostedError } from './loadError.ts';

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

export type ReloadLog = Record<'info' | 'warn' | 'error', (facts: object, message: string) => void>;

/** How looks at the source have ended, and a line in the log where that is news: the same failure at each is one line. */
export type ReloadReporter = {
  failed(error: PostedError): LoadError;
  succeeded(revision: string): void;
  /** Whether the bundle in force is kept for the next start. */
  kept(error: PostedError | null): void;
  /** `serves`: a bundle is in force. */
  status(serves: boolean): ReloadStatus;
};

type Options = {
  /** The source's name. */
  source: string;
  log: ReloadLog;
  onFailure: ((error: LoadError) => void) | undefined;
  onKept: ((ok: boolean) => void) | undefined;
  now: () => number;
};

export function createReloadReporter({ source, log, onFailure, onKept, now }: Options): ReloadReporter {
  let lastError: ReloadStatus['lastError'];
  let lastSuccess: ReloadStatus['lastSuccess'];
  let notKept: string | undefined;
  return {
    failed({ code, message, problems }) {
      const again = lastError?.code === code && lastError.message === message;
      lastError = { code, message, problems, atMs: now() };
      if (!again) log.error({ code, problems: problems.slice(0, 20) }, `bundle not loaded: ${message}`);
      const error = new LoadError(code, message, { problems });
      onFailure?.(error);
      return error;
    },
    succeeded(revision) {
      if (lastError !== undefined) log.info({ revision }, 'bundle source recovered');
      lastError = undefined;
      lastSuccess = { revision, atMs: now() };
    },
    kept(error) {
      if (error === null) log.info({}, 'bundle kept for the next start');
      else if (error.code !== notKept)
        log.error({ code: 'last-good-not-kept' }, `bundle not kept for the next start: ${error.message}`);
      notKept = error?.code;
      onKept?.(error === null);
    },
    status: (serves) => ({
      state: stateOf(serves, lastError),
      source,
      ...(lastError === undefined ? {} : { lastError }),
      ...(lastSuccess === undefined ? {} : { lastSuccess }),
    }),
  };
}

function stateOf(serves: boolean, lastError: ReloadStatus['lastError']): ReloadStatus['state'] {
  if (!serves) return 'empty';
  if (lastError === undefined) return 'ok';
  return lastError.code === heldCode ? 'held' : 'failing';
}
