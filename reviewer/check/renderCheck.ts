import type { Annotation } from '../forge/checks.ts';
import { cell, code, prose } from '../forge/markdown.ts';
import { nameOf } from '../plan/sentence.ts';
import { replayMarkdown } from '../replay/replayMarkdown.ts';
import { requirementText } from './findingText.ts';
import type { Outcome } from './outcome.ts';
import type { PullCheck } from './pullCheck.ts';
import type { Settled } from './settleApprovals.ts';

/** The first line of the comment, by which it is found again. */
export const commentMark = '<!-- grantgate:check -->';
/**
 * GitHub takes 65,536 characters of a comment and 65,535 of a summary; bytes are never fewer than characters, however it
 * counts them.
 */
const mostBytes = 60_000;

const size = (text: string) => Buffer.byteLength(text) + 1;

/** The first lines, as many as there is room for, with a word on what is left out. */
function fitting(lines: readonly string[], room: number): readonly string[] {
  let left = room - 200;
  const end = lines.findIndex((line) => {
    left -= size(line);
    return left < 0;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

/** The same, as items of a list with that word; `more` are not among them at all. */
function fittingList(lines: readonly string[], more: number, room: number): readonly string[] {
  const shown = fitting(lines, room);
  const hidden = lines.length - shown.length + more;
  return hidden > 0 ? [...shown, `- … and ${hidden} more`] : shown;
}

const marks = { success: '✅', failure: '❌', action_required: '⏳' } as const;

/** The check as the Markdown of a comment and of a check run's summary; all that is in it is escaped here. */
export function renderCheck(check: PullCheck, settled: Settled, outcome: Outcome): string {
  const { base, head, access, replay } = check;
  const parts = [
    `### ${marks[outcome.conclusion]} Access check: ${prose(outcome.title)}`,
    ...problemPart(check),
    ...approvalPart(check, settled),
    ...(access === null ? [] : accessPart(access)),
  ];
  const tail = `<sub>Of ${code(head.slice(0, 12))} against ${code(base.slice(0, 12))}; rules, owners and tiers are those of the base. The same again: ${code(`grantgate check-pull ${base.slice(0, 12)} ${head.slice(0, 12)}`)}.</sub>`;
  const replayed =
    replay === null
      ? access === null
        ? []
        : ['#### Replay\n\nNo decision records are at hand, so nobody can say whom this would have denied.']
      : [`#### Replay\n\n${replayPart(replay)}`];
  return `${[...parts, ...replayed, tail].join('\n\n')}\n`;
}

/** As many callers as there is room for: names may be long. */
function replayPart(replay: NonNullable<PullCheck['replay']>): string {
  for (const callers of [20, 10, 5, 2, 0]) {
    const text = replayMarkdown(replay, callers).trim();
    if (size(text) <= mostBytes * 0.3) return text;
  }
  return prose('The replay does not fit here.');
}

function problemPart({ problems, moreProblems, findings, moreFindings }: PullCheck): string[] {
  const lines = [
    ...problems.map(
      ({ path, line, level, message }) =>
        `- ${level === 'warning' ? 'warning: ' : ''}${code(`${path}:${line}`)} ${prose(message)}`,
    ),
    ...findings.map(
      ({ rule, level, message, place }) =>
        `- ${level === 'failure' ? '' : `${level}: `}${code(rule)}${place === null ? '' : ` ${code(`${place.path}:${place.line}`)}`} ${prose(message)}`,
    ),
  ];
  if (lines.length === 0) return [];
  const shown = fittingList(lines, moreProblems + moreFindings, mostBytes * 0.25);
  return [`#### What is wrong\n\n${shown.join('\n')}`];
}

function approvalPart({ requirements }: PullCheck, { met, missing, refused }: Settled): string[] {
  if (requirements.length + refused.length === 0) return [];
  const lines = [
    ...refused.map(
      ({ author, api }) =>
        `- [ ] ${code(nameOf(author))} opened this and would gain access to ${code(api)}: somebody else must`,
    ),
    ...missing.map((one) => `- [ ] ${prose(requirementText(one))}`),
    ...met.map(
      ({ requirement, by }) => `- [x] ${prose(requirementText(requirement))}: ${code(nameOf(by))} has`,
    ),
  ];
  const shown = fittingList(lines, 0, mostBytes * 0.1);
  return [`#### Who must approve\n\n${shown.join('\n')}`];
}

function accessPart({ summary, rows, more, notes, moreNotes }: NonNullable<PullCheck['access']>): string[] {
  const lines = rows.map(({ who, what, by, moreBy }) => {
    const grants = `${by.map(code).join(', ')}${moreBy > 0 ? ` and ${moreBy} more` : ''}`;
    return `| ${[prose(who), prose(what), grants].map(cell).join(' | ')} |`;
  });
  const shown = fitting(lines, mostBytes * 0.2);
  const hidden = rows.length - shown.length + more;
  const listed = notes.map((note) => `- ${prose(note)}`);
  const also = fittingList(listed, moreNotes, mostBytes * 0.1);
  return [
    `#### Who can do what\n\n${prose(summary)}`,
    ...(shown.length > 0 ? [['| who | | by |', '| --- | --- | --- |', ...shown].join('\n')] : []),
    ...(hidden > 0 ? [`… and ${hidden} more; ${code('grantgate diff --json')} has them all.`] : []),
    ...(also.length > 0 ? [`Also:\n\n${also.join('\n')}`] : []),
  ];
}

/** What stands beside lines of files. */
export function annotationsOf({ problems, findings }: PullCheck): Annotation[] {
  return [
    ...problems.map(({ path, line, level, message }) => note(path, line, level, message)),
    ...findings.flatMap(({ place, level, rule, message }) =>
      place === null ? [] : [note(place.path, place.line, level, `${message} (${rule})`)],
    ),
  ];
}

const note = (
  path: string,
  line: number,
  level: Annotation['annotation_level'],
  message: string,
): Annotation => ({ path, start_line: line, end_line: line, annotation_level: level, message });
