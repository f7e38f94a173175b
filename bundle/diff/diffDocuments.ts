import { changedLines } from '../data/changedLines.ts';
import { nothing, type Span, valueAt } from '../data/dataSections.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';

/** An entry that came (`before` is undefined), went (`after` is) or reads otherwise. */
export type EntryChange = { key: string; before?: unknown; after?: unknown };

/** What changed in one data document: how many entries, and the first of them. */
export type DocumentChange = {
  document: string;
  /** Whether the document itself came or went. */
  change: 'added' | 'removed' | 'changed';
  added: number;
  removed: number;
  changed: number;
  entries: readonly EntryChange[];
};

type Side = { data: Buffer; documents: ReadonlyMap<string, Span> };

/** So many entries of each document are told. */
const most = 50;

/** Compares the data documents of two data.json; what is equal is never parsed. */
export function diffDocuments(before: Side, after: Side): DocumentChange[] {
  const names = [...new Set([...before.documents.keys(), ...after.documents.keys()])].sort(compareCodePoints);
  return names.flatMap((document): DocumentChange[] => {
    const [was, is] = [before.documents.get(document), after.documents.get(document)];
    const counts = { added: 0, removed: 0, changed: 0 };
    const entries: EntryChange[] = [];
    changedLines(
      { data: before.data, section: was ?? nothing },
      { data: after.data, section: is ?? nothing },
      (key, old, now) => {
        counts[old === null ? 'added' : now === null ? 'removed' : 'changed'] += 1;
        if (entries.length >= most) return;
        entries.push({
          key,
          ...(old !== null && { before: valueAt<unknown>(before.data, old) }),
          ...(now !== null && { after: valueAt<unknown>(after.data, now) }),
        });
      },
    );
    const change = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed';
    return change === 'changed' && entries.length === 0 ? [] : [{ document, change, ...counts, entries }];
  });
}
