import type { RevisionDiff } from '../../bundle/diff/diffRevisions.ts';
import { changeLine, conditionsChanged, notesOf, summaryOf } from './diffRows.ts';

/** The difference for a terminal: one line for each change, and by which grants. `revisions` stands in front. */
export function diffText(diff: RevisionDiff): string {
  const lines = [`${diff.base.slice(0, 12)}..${diff.head.slice(0, 12)}: ${summaryOf(diff)}`];
  for (const change of diff.changes) {
    const terms = conditionsChanged(change);
    lines.push(`  ${changeLine(change)}`, ...(terms === '' ? [] : [`      ${terms}`]));
  }
  const notes = notesOf(diff);
  if (notes.length > 0) lines.push('Also:', ...notes.map((note) => `  ${note}`));
  // Names from grants reach the terminal: what would move its cursor does not.
  return `${lines.map((line) => line.replace(/\p{Cc}+/gu, ' ')).join('\n')}\n`;
}
