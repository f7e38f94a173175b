import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { detached } from '../../bundle/format/detached.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';
import type { Aside } from './commits/readAsides.ts';
import type { Step } from './commits/readCommits.ts';
import type { ApiThen } from './grants/apiThen.ts';
import { createGrantFiles } from './grants/grantFiles.ts';
import { createNotes, type GrantHistory, untouched } from './grants/notes.ts';
import { createReach } from './grants/reach.ts';
import { renewedBy } from './grants/renewedBy.ts';
import { textsOf } from './grants/textsOf.ts';

const withoutReview = ({ review: _, ...entry }: GrantEntry) => canonicalJson(entry);

type Comparison = { before: string; after: string };

/**
 * Follows every grant through the commits, which are given one after the other, oldest first. Only texts that changed
 * are parsed.
 */
export function createGrantHistory() {
  const notes = createNotes();
  /** Grants that were noted and are not there now. */
  const absent = new Set<string>();
  const files = createGrantFiles();
  const reach = createReach(files);
  const removedAside = new Set<string>();
  /** Grants as the branch left them that is to be merged; null: not there. */
  const tips = new Map<string, { path: string; text: string | null; mergedAt: number }>();
  let isFirst = true;
  let beganAt = Number.NEGATIVE_INFINITY;

  const parseBoth = ({ before, after }: Comparison): [GrantEntry, GrantEntry] | null => {
    const [old, now] = [files.parse(before), files.parse(after)];
    return old === null || now === null ? null : [old, now];
  };

  /**
   * Whatever day it says it was given on, nobody had it before it came: a grant that was written late, or that has
   * another id now, was not idle all the time.
   */
  const appear = (id: string, text: string, { at, blind }: Step, asNew: GrantHistory) => {
    // Most are not, and need not be read: the word stands there, or hides behind an escape.
    const suspended = /suspended|\\/.test(text) && files.parse(text)?.state === 'suspended';
    const suspendedAt = suspended && !blind ? at : null;
    if (notes.has(id))
      notes.note(id, {
        ...{ changedSinceReview: false, firstDated: null, reviewedAt: at },
        ...{ suspendedAt, grownAt: at, restoredAt: at },
      });
    else notes.add(id, suspendedAt === null ? asNew : { ...asNew, suspendedAt });
  };

  /** Another day in the file gives nobody anything: the days until then were days, too. One that was ahead never was. */
  const redate = (id: string, named: number, at: number) => {
    const known = notes.get(id) ?? untouched;
    const dated = named > at ? Math.max(known.restoredAt ?? beganAt, known.heldAt ?? beganAt) : named;
    notes.note(id, { firstDated: Math.min(known.firstDated ?? dated, dated) });
  };

  const change = (
    id: string,
    texts: Comparison,
    { at, before }: { at: number; before: ReadonlyMap<string, ApiThen> },
  ) => {
    const both = parseBoth(texts);
    if (both === null) return;
    const [old, now] = both;
    if (old.state !== now.state) {
      notes.note(id, { suspendedAt: now.state === 'suspended' ? at : null });
      if (now.state === 'active') notes.note(id, { restoredAt: at });
    }
    const renewed = renewedBy(old, now, { at, before, after: reach.apis });
    notes.note(id, Object.fromEntries(renewed.map((name) => [name, at])));
    if (renewed.includes('heldAt')) notes.note(id, { firstDated: null });
    else if (startOf(old.granted) !== startOf(now.granted)) redate(id, startOf(old.granted), at);
    // What the commit changed that wrote the keep was kept with it.
    if (canonicalJson(old.review ?? null) !== canonicalJson(now.review ?? null))
      notes.note(id, { changedSinceReview: false, reviewedAt: at });
    else if (withoutReview(old) !== withoutReview(now)) notes.note(id, { changedSinceReview: true });
  };

  /** What a grant's holder, owner and reach were meanwhile is not held against what they are again. */
  const changeAside = (id: string, texts: Comparison, at: number) => {
    const both = parseBoth(texts);
    if (both === null) return;
    const [old, now] = both;
    const renewed = renewedBy(old, now, { at, before: reach.apis, after: reach.apis });
    if (old.state === 'suspended' && now.state === 'active') renewed.push('restoredAt');
    if (old.state === 'active' && now.state === 'suspended' && notes.get(id)?.suspendedAt != null)
      renewed.push('suspendedAt');
    notes.noteLatest(id, at, renewed);
  };

  /** What a merge made more of than its branch had left: it may have been what was enforced. */
  const compareTips = (until: number) => {
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
      else changeAside(id, { before: text, after: now }, mergedAt);
    }
  };

  /** What changed files said of grants, by their ids, and what they say now of those that were known. */
  const replaceFiles = (step: Step, asNew: GrantHistory) => {
    const before = new Map<string, string>();
    const after = new Map<string, string>();
    const added = new Set<string>();
    for (const { path, bytes } of step.files) {
      if (fileKind(path).kind !== 'access') continue;
      for (const [id, text] of files.texts(path) ?? []) before.set(id, text);
      files.replace(path, bytes);
      for (const [id, text] of bytes === null ? [] : textsOf(bytes))
        if (notes.has(id) && !added.has(id)) after.set(id, text);
        else {
          appear(id, text, step, asNew);
          added.add(id);
        }
    }
    return { before, after };
  };

  return {
    step(step: Step): void {
      const { at } = step;
      compareTips(at);
      const apisBefore = new Map(reach.apis);
      for (const id of reach.step(step)) notes.noteLatest(id, at, ['grownAt']);
      // One for all that come together: there may be a million.
      const asNew = isFirst ? untouched : { ...untouched, grownAt: at, restoredAt: at, reviewedAt: at };
      if (isFirst) beganAt = at;
      isFirst = false;
      const { before, after } = replaceFiles(step, asNew);
      for (const [id, text] of after) {
        const old = before.get(id);
        // What is neither gone nor in a file that changed stands twice: as if it were put back.
        if (absent.delete(id) || old === undefined) appear(id, text, step, asNew);
        else if (old !== text) change(id, { before: old, after: text }, { at, before: apisBefore });
      }
      for (const id of before.keys()) if (!after.has(id)) absent.add(detached(id));
    },
    /** A commit on a merged branch, before the step that merged it: what it gave it gave no later than that. */
    aside({ at, mergedAt, files: changed }: Pick<Aside, 'at' | 'mergedAt' | 'files'>): void {
      compareTips(mergedAt);
      const [earlier, later] = [new Map<string, string>(), new Map<string, string>()];
      for (const one of changed) {
        const { path, before, after } = one;
        for (const id of reach.aside(one)) notes.noteLatest(id, at, ['grownAt']);
        if (fileKind(path).kind !== 'access') continue;
        const old = before === null ? new Map<string, string>() : textsOf(before);
        for (const [id, text] of old) earlier.set(id, text);
        for (const [id, text] of after === null ? [] : textsOf(after)) later.set(id, text);
        for (const [id, was] of old) {
          const text = later.get(id) ?? null;
          if (text !== was && notes.has(id)) tips.set(id, { path, text, mergedAt });
        }
      }
      for (const id of earlier.keys()) if (!later.has(id)) removedAside.add(id);
      for (const [id, text] of later) {
        const old = earlier.get(id);
        if (!notes.has(id) || text === old) continue;
        if (old !== undefined) changeAside(id, { before: old, after: text }, at);
        else if (removedAside.has(id)) notes.noteLatest(id, at, ['grownAt', 'restoredAt']);
      }
    },
    /** What was found, without anything that it was found in. */
    end: () => {
      compareTips(Number.POSITIVE_INFINITY);
      return notes.lookUp();
    },
  };
}
