import { BundleError } from '../../bundle/bundleError.ts';
import { type Tree, withFiles } from '../../bundle/git/tree.ts';
import { findOpa, type Opa } from '../../bundle/policy/opa.ts';
import { findLogs } from '../evidence/findLogs.ts';
import type { WindowSigns } from '../evidence/requests.ts';
import { prose } from '../forge/markdown.ts';
import type { Replayer } from './createReplayer.ts';
import { replayMarkdown } from './replayMarkdown.ts';
import { openReplayer } from './replayRevisions.ts';
import { createOpenSide, type OpenSide } from './side.ts';

type Options = {
  base: Tree;
  decisions: readonly string[];
  /** Whole seconds since 1970. */
  asOf: number;
  days: number;
  /** What was found of the window before, if it was of the same records. */
  known?: WindowSigns | undefined;
  opa?: Opa | undefined;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

/**
 * What recorded requests say of a commit that the review proposes, as Markdown; null where none are on record. `files`
 * are those in which it differs from the base; null for one that is gone.
 */
export type PullReplay = {
  of: (commit: string, files: ReadonlyMap<string, string | null>) => Promise<string | null>;
  close: () => Promise<void>;
};

/** A description holds the findings, too. */
const mostCallers = 5;
const longest = 8_000;

/** Reads the records when the first commit is asked about, and once for all of them. */
export function openPullReplay(options: Options): PullReplay {
  const { base, decisions, asOf, days, known, signal, progress } = options;
  type Opened = { openSide: OpenSide; replay: Replayer; close: () => Promise<void> };
  let opened: Promise<Opened | null> | null = null;
  const open = async (): Promise<Opened | null> => {
    if ((await findLogs(decisions)).length === 0) return null;
    const openSide = createOpenSide(
      options.opa ?? (await findOpa(progress === undefined ? {} : { progress })),
    );
    const side = await openSide(base);
    const replayer = await openReplayer({
      ...{ tree: base, base: side, decisions, asOf, days, known, signal, progress },
    });
    return { openSide, ...replayer };
  };
  return {
    async of(commit, files) {
      try {
        opened ??= open();
        const at = await opened;
        if (at === null) return null;
        // What it holds is at hand; its place in history is asked for by nobody.
        const head = await at.openSide({ ...base, ...withFiles(base, files), revision: commit });
        const found = await at.replay(head);
        if (found.requests.recorded === 0) return null;
        const text = replayMarkdown(found, mostCallers).trim();
        return text.length > longest ? replayMarkdown(found, 0).trim() : text;
      } catch (error) {
        // A base that no gateway could load is no reason to leave access as it is.
        if (error instanceof BundleError)
          return `**Recorded requests could not be replayed**: ${prose(error.message.slice(0, 500))}`;
        throw error;
      }
    },
    async close() {
      const at = await opened?.catch(() => null);
      await at?.close();
    },
  };
}
