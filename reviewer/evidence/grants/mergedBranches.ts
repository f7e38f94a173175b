import { fileKind } from '../../../bundle/grants/fileKinds.ts';
import type { Aside, AsideChange } from '../commits/readAsides.ts';
import type { createChangeNotes } from './changeNotes.ts';
import type { createGrantFiles } from './grantFiles.ts';
import type { createNotes } from './notes.ts';
import type { createReach } from './reach.ts';
import { textsOf } from './textsOf.ts';

type Options = {
  notes: Pick<ReturnType<typeof createNotes>, 'has' | 'noteLatest'>;
  files: Pick<ReturnType<typeof createGrantFiles>, 'texts'>;
  reach: Pick<ReturnType<typeof createReach>, 'aside'>;
  changes: Pick<ReturnType<typeof createChangeNotes>, 'changeAside'>;
  /** Ids of grants that are not there now. */
  absent: ReadonlyMap<string, unknown>;
};

/** A grant as a branch left it that is to be merged; null: not there. Instants are seconds since 1970. */
type Tip = { path: string; text: string | null; mergedAt: number };

const textsIn = (bytes: Buffer | null): Map<string, string> => (bytes === null ? new Map() : textsOf(bytes));

/** Follows grants through the commits of merged branches: what one gave there it gave no later than that. */
export function createMergedBranches({ notes, files, reach, changes, absent }: Options) {
  const tips = new Map<string, Tip>();
  /** Ids that a commit on some branch removed: a later one there may have put them back. */
  const removed = new Set<string>();

  /** What a commit said of grants, by id, and what they had said before. */
  const readTexts = (changed: readonly AsideChange[], mergedAt: number) => {
    const [earlier, later] = [new Map<string, string>(), new Map<string, string>()];
    for (const { path, before, after } of changed) {
      if (fileKind(path).kind !== 'access') continue;
      const old = textsIn(before);
      for (const [id, text] of old) earlier.set(id, text);
      for (const [id, text] of textsIn(after)) later.set(id, text);
      for (const [id, was] of old) {
        const text = later.get(id) ?? null;
        if (text !== was && notes.has(id)) tips.set(id, { path, text, mergedAt });
      }
    }
    return { earlier, later };
  };

  /** What merges before an instant made more of than their branches had left: it may have been what was enforced. */
  const settle = (until: number): void => {
    const read = new Map<string, Map<string, string> | null>();
    const textIn = (path: string, id: string) => {
      const texts = read.has(path) ? read.get(path) : files.texts(path);
      read.set(path, texts ?? null);
      return texts?.get(id);
    };
    for (const [id, { path, text, mergedAt }] of tips) {
      if (mergedAt >= until) continue;
      tips.delete(id);
      const now = absent.has(id) ? undefined : textIn(path, id);
      if (now === undefined || now === text) continue;
      if (text === null) notes.noteLatest(id, mergedAt, ['grownAt', 'restoredAt']);
      else changes.changeAside(id, { before: text, after: now }, mergedAt);
    }
  };

  return {
    settle,
    /** A commit, before the step that merged it. */
    take({ at, mergedAt, files: changed }: Pick<Aside, 'at' | 'mergedAt' | 'files'>): void {
      settle(mergedAt);
      for (const one of changed) for (const id of reach.aside(one)) notes.noteLatest(id, at, ['grownAt']);
      const { earlier, later } = readTexts(changed, mergedAt);
      for (const id of earlier.keys()) if (!later.has(id)) removed.add(id);
      for (const [id, text] of later) {
        const old = earlier.get(id);
        if (!notes.has(id) || text === old) continue;
        if (old !== undefined) changes.changeAside(id, { before: old, after: text }, at);
        else if (removed.has(id)) notes.noteLatest(id, at, ['grownAt', 'restoredAt']);
      }
    },
  };
}
