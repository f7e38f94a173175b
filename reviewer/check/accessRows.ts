import type { TreeDiff } from '../../bundle/diff/diffTrees.ts';
import { listed } from '../../bundle/format/counted.ts';
import { conditionsChanged, grantsOf, notesOf, summaryOf, verbOf, whoOf } from '../diff/diffRows.ts';
import { mostShown, type PullCheck } from './pullCheck.ts';

const mostGrants = 6;
const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Who gains and who loses what, in words, as many rows as anybody reads. */
export function accessRows(diff: TreeDiff): NonNullable<PullCheck['access']> {
  const notes = notesOf(diff);
  const rows = diff.changes.slice(0, mostShown.rows).map((change) => {
    const { api, operations } = change;
    const terms = conditionsChanged(change);
    const by = grantsOf(change);
    return {
      who: cut(whoOf(change), 1000),
      what: cut(
        `${verbOf(change)} ${listed(operations, 6)} of ${api}${terms === '' ? '' : `: ${terms}`}`,
        4000,
      ),
      by: by.slice(0, mostGrants),
      moreBy: Math.max(0, by.length - mostGrants),
    };
  });
  return {
    summary: cut(summaryOf(diff), 500),
    rows,
    more: diff.changes.length - rows.length,
    notes: notes.slice(0, mostShown.notes).map((note) => cut(note, 4000)),
    moreNotes: Math.max(0, notes.length - mostShown.notes),
  };
}
