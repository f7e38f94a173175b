import type { RevisionDiff } from '../../bundle/diff/diffRevisions.ts';
import { counted } from '../../bundle/format/counted.ts';
import { cell, code, prose } from '../forge/markdown.ts';
import { conditionsChanged, grantsOf, notesOf, summaryOf, verbOf, whoOf } from './diffRows.ts';

const mostNames = 6;

/** Names as code, of many the first few and how many more. */
function names(all: readonly string[]): string {
  const rest = all.length - mostNames;
  return `${all.slice(0, mostNames).map(code).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/**
 * The difference for a pull request's comment: a summary, a table of who loses and gains what, and what else changed.
 * Tables and lists end after `most` entries, with how many more there are.
 */
export function diffMarkdown(diff: RevisionDiff, most = 50): string {
  const parts = [`**${prose(summaryOf(diff))}**`];
  if (diff.changes.length > 0) {
    const rows = diff.changes.slice(0, most).map((change) => {
      const { api, operations } = change;
      const terms = conditionsChanged(change);
      const what = `${prose(verbOf(change))} ${names(operations)} of ${code(api)}${terms === '' ? '' : `: ${prose(terms)}`}`;
      return `| ${[prose(whoOf(change)), what, names(grantsOf(change))].map(cell).join(' | ')} |`;
    });
    parts.push(['| who | | by |', '| --- | --- | --- |', ...rows].join('\n'));
    const rest = diff.changes.length - rows.length;
    if (rest > 0) parts.push(`… and ${counted(rest, 'more row')}; \`grantgate diff --json\` has them all.`);
  }
  const notes = notesOf(diff);
  if (notes.length > 0) {
    const shown = notes.slice(0, most).map((note) => `- ${prose(note)}`);
    const rest = notes.length - shown.length;
    parts.push(['Also:', '', ...shown, ...(rest > 0 ? [`- … and ${rest} more`] : [])].join('\n'));
  }
  parts.push(
    `<sub>Effective access, through groups and roles, of \`${diff.base.slice(0, 12)}\` and \`${diff.head.slice(0, 12)}\`.</sub>`,
  );
  return `${parts.join('\n\n')}\n`;
}
