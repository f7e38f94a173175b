import { messageOf } from '../../bundle/format/messageOf.ts';
import { git, resolveCommit } from '../../bundle/git/git.ts';
import type { Background } from './background.ts';
import type { Comparison, Under } from './views/changePage.ts';

type Options = {
  root: string;
  background: Background;
  decisions: readonly string[];
  /** How far the window of recorded requests reaches back. */
  days: number;
  /** Seconds since 1970. */
  asOf: () => number;
};

/** What branches would change, worked out once each. */
export type Changes = {
  /** What is known of it by now; what is not is begun. Throws GitError `git-revision`. */
  compare(base: string, head: string): Promise<Comparison>;
  /** Names to choose from, and the one that the repository stands at. */
  branches(): Promise<{ names: string[]; current: string }>;
};

const mostKept = 16;
const mostBranches = 500;
const mostWaiting = 4;
/** A branch that was just pushed may be named before it is offered. */
const branchesMs = 5000;

/** Compares commits in the background, one after the other, and remembers the last few. */
export function createChanges({ root, background, decisions, days, asOf }: Options): Changes {
  const kept = new Map<string, Comparison>();
  let waiting = 0;

  const begin = (base: string, head: string): Comparison => {
    if (waiting >= mostWaiting) {
      const busy = {
        state: 'failed',
        why: 'Several comparisons are under way; look again when they are done.',
      } as const;
      return { base, head, diff: busy, replay: busy };
    }
    const found: Comparison = { base, head, diff: { state: 'waiting' }, replay: { state: 'waiting' } };
    kept.set(`${base} ${head}`, found);
    for (const key of kept.keys()) if (kept.size > mostKept) kept.delete(key);
    const at = Math.floor(asOf());
    const commits = { repository: root, base, head };
    waiting += 1;
    void (async () => {
      found.diff = await outcomeOf(background.ask('diff', { ...commits, at }));
      if (found.diff.state === 'done') Object.assign(found, { base: found.diff.value.base });
      found.replay = await outcomeOf(background.ask('replay', { ...commits, decisions, asOf: at, days }));
      waiting -= 1;
      // Another look may find what was missing, such as records.
      if (found.diff.state === 'failed' || found.replay.state === 'failed')
        setTimeout(() => kept.delete(`${base} ${head}`), 10_000).unref();
    })();
    return found;
  };
  const readBranches = async () => {
    const lines = async (...args: string[]) => {
      const said = await git(root, args).catch(() => '');
      return said.toString().split('\n').filter(Boolean);
    };
    const [names, [current = 'HEAD']] = await Promise.all([
      lines(
        'for-each-ref',
        `--count=${mostBranches}`,
        '--sort=-committerdate',
        '--format=%(refname:short)',
        'refs/heads',
        'refs/remotes',
      ),
      lines('symbolic-ref', '--short', '--quiet', 'HEAD'),
    ]);
    return { names, current };
  };
  let branches: { at: number; read: ReturnType<typeof readBranches> } | null = null;

  return {
    async compare(base, head) {
      const [from, to] = [await resolveCommit(root, base), await resolveCommit(root, head)];
      const key = `${from} ${to}`;
      const known = kept.get(key);
      if (known === undefined) return begin(from, to);
      kept.delete(key);
      kept.set(key, known);
      return known;
    },
    branches() {
      // Two processes of Git take longer than all else of the page.
      if (branches === null || performance.now() - branches.at > branchesMs)
        branches = { at: performance.now(), read: readBranches() };
      return branches.read;
    },
  };
}

async function outcomeOf<T>(work: Promise<T>): Promise<Under<T>> {
  try {
    return { state: 'done', value: await work };
  } catch (error) {
    return { state: 'failed', why: messageOf(error) };
  }
}
