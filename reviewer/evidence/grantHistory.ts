import { detached } from '../../bundle/format/detached.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import type { Aside } from './commits/readAsides.ts';
import type { Step } from './commits/readCommits.ts';
import { createChangeNotes, type Moment } from './grants/changeNotes.ts';
import { createGrantFiles } from './grants/grantFiles.ts';
import { createMergedBranches } from './grants/mergedBranches.ts';
import { createNotes, untouched } from './grants/notes.ts';
import { createReach } from './grants/reach.ts';
import { textsOf } from './grants/textsOf.ts';

/**
 * Follows every grant through the commits, which are given one after the other, oldest first. Only texts that changed
 * are parsed.
 */
export function createGrantHistory() {
  const notes = createNotes();
  const files = createGrantFiles();
  const reach = createReach(files);
  const changes = createChangeNotes({ notes, files, apis: reach.apis });
  /** Grants that were noted and are not there now: since when. */
  const absent = new Map<string, number>();
  const branches = createMergedBranches({ notes, files, reach, changes, absent });
  let beganAt: number | null = null;

  /** What changed files said of grants, by their ids, and what they say now of those that were known; others appear. */
  const replaceFiles = (changed: Step['files'], moment: Moment) => {
    const before = new Map<string, string>();
    const after = new Map<string, string>();
    const added = new Set<string>();
    for (const { path, bytes } of changed) {
      if (fileKind(path).kind !== 'access') continue;
      for (const [id, text] of files.texts(path) ?? []) before.set(id, text);
      files.replace(path, bytes);
      for (const [id, text] of bytes === null ? [] : textsOf(bytes))
        if (notes.has(id) && !added.has(id)) after.set(id, text);
        else {
          changes.appear(id, text, moment);
          added.add(id);
        }
    }
    return { before, after };
  };

  return {
    step(step: Step): void {
      const { at, blind } = step;
      branches.settle(at);
      const apisBefore = new Map(reach.apis);
      for (const id of reach.step(step)) notes.noteLatest(id, at, ['grownAt']);
      // One for all that come together: there may be a million.
      const asNew =
        beganAt === null ? untouched : { ...untouched, grownAt: at, restoredAt: at, reviewedAt: at };
      beganAt ??= at;
      const moment = { at, blind, asNew, beganAt, apisBefore };
      const { before, after } = replaceFiles(step.files, moment);
      for (const [id, text] of after) {
        const old = before.get(id);
        // What is neither gone nor in a file that changed stands twice: as if it were put back.
        const goneAt = absent.get(id);
        if (absent.delete(id) || old === undefined) changes.appear(id, text, moment, goneAt);
        else if (old !== text) changes.change(id, { before: old, after: text }, moment);
      }
      for (const id of before.keys()) if (!after.has(id)) absent.set(detached(id), at);
    },
    /** A commit on a merged branch, before the step that merged it. */
    aside: (aside: Pick<Aside, 'at' | 'mergedAt' | 'files'>): void => branches.take(aside),
    /** What was found, without anything that it was found in. */
    end: () => {
      branches.settle(Number.POSITIVE_INFINITY);
      return notes.lookUp();
    },
  };
}
