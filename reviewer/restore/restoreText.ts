import { dayOf } from '../../bundle/format/times.ts';
import { changeLine } from '../diff/diffRows.ts';
import { grantText } from '../edit/edit.ts';
import { code, fenced, prose } from '../forge/markdown.ts';
import { nameOf } from '../plan/sentence.ts';
import type { Proposal } from '../proposal/openProposal.ts';
import type { Restored, Step } from './restoreGrant.ts';

export const restorePrefix = 'grantgate/restore/';
const restoreLabel = 'grantgate-restore';
const most = 50;

const stepOf = ({ commit, at, subject }: Step) =>
  `${commit === null ? 'on disk' : commit.slice(0, 12)} of ${dayOf(at)} (${subject})`;

function effects({ changes }: Restored): string[] {
  if (changes.length === 0)
    return ['by the directory nobody gains anything by it: whoever held it is not active, or has it already'];
  const shown = changes.slice(0, most).map(changeLine);
  return changes.length > most ? [...shown, `… and ${changes.length - most} more`] : shown;
}

/** `by Dana Doe; found then: revoke …` in parts; nothing where it is not committed. */
const whyOf = ({ taken: { why } }: Restored): string[] =>
  why === null
    ? []
    : [
        `by ${why.by}`,
        why.found === null ? 'no finding of a review is named there' : `found then: ${why.found}`,
      ];

const itemOf = ({ grant, file, texts }: Restored) => grantText(texts.get(file) ?? '', file, grant);

/** For a terminal: what was taken when, what comes back, and who gains by it. */
export function restoreText(restored: Restored): string {
  const { grant, file, written, taken } = restored;
  const lines = [
    `${grant} was ${taken.how} by ${stepOf(taken)}`,
    ...whyOf(restored).map((line) => `  ${line}`),
    `as ${stepOf(written)} had it, in ${file}:`,
    ...itemOf(restored)
      .trimEnd()
      .split(/\r\n|\n|\r/)
      .map((line) => `  ${line}`),
    'Effect:',
    ...effects(restored).map((line) => `  ${line}`),
  ];
  return `${lines.map((line) => line.replace(/\p{Cc}+/gu, ' ')).join('\n')}\n`;
}

/** The pull request that gives it back. */
export function restoreProposal(restored: Restored, at: number): Proposal {
  const { grant, entry, file, texts, written, taken } = restored;
  return {
    branch: `${restorePrefix}${grant}`,
    texts,
    title: `Restore ${grant}: ${entry.api} for ${nameOf(entry.principal)}`,
    body: [
      `Puts the grant ${code(grant)} back as it was before it was ${taken.how}.`,
      [
        `- ${taken.how}: ${prose([stepOf(taken), ...whyOf(restored)].join('; '))}`,
        `- put back as of: ${prose(stepOf(written))}`,
        `- owner: ${code(entry.owner)}`,
        `- file: ${code(file)}`,
      ].join('\n'),
      fenced(itemOf(restored), 'yaml'),
      '**What changes**',
      effects(restored)
        .map((line) => `- ${prose(line)}`)
        .join('\n'),
      'Merging gives the access back at once. Windows of disuse begin anew with the merge.',
    ].join('\n\n'),
    labels: [restoreLabel],
    at,
  };
}
