import { counted, listed } from '../../bundle/format/counted.ts';
import { cell, code, prose } from '../forge/markdown.ts';
import { nameOf } from '../plan/sentence.ts';
import type { Frozen } from './frozen.ts';
import type { Part, Row } from './rows.ts';

/** GitHub's limit, counted in characters, less what people may write above and below, and the marker. */
const longest = 65_536;
const leftForPeople = 4_000;
/** What a person reads without unfolding anything. */
const shownOpen = 30;
const longestWhy = 220;

const tiers = ['critical', 'high', 'medium', 'low'] as const;
const order = ['changed', 'delete', 'revoke', 'suspend', 'narrow', 'reassign', 'reassigned', 'extend'];

/** Whether a row asks for thought: something happens to it, something was found, or it has changed. */
const isPressing = ({ standing, entry, proposal }: Row) =>
  standing === 'changed' || (standing === 'same' && (proposal !== 'keep' || entry.detector !== undefined));

/** What needs thought comes first: changes, removals, findings; then by what is at stake, and what is used least. */
function sortRows(rows: readonly Row[]): Row[] {
  const rank = ({ proposal }: Row) => (order.includes(proposal) ? order.indexOf(proposal) : order.length);
  const allows = ({ entry }: Row) => entry.use?.allows ?? -1;
  return rows.toSorted(
    (a, b) =>
      Number(isPressing(b)) - Number(isPressing(a)) ||
      rank(a) - rank(b) ||
      tiers.indexOf(a.entry.tier) - tiers.indexOf(b.entry.tier) ||
      allows(a) - allows(b) ||
      a.number - b.number,
  );
}

const size = (text: string) => [...text].length;
const cut = (text: string) =>
  size(text) > longestWhy ? `${[...text].slice(0, longestWhy - 1).join('')}…` : text;

const used = ({ entry: { use } }: Row) =>
  use === undefined
    ? 'not evaluable'
    : use.allows === 0
      ? use.last === undefined
        ? 'never'
        : `not since ${use.last.slice(0, 10)}`
      : `${use.allows.toLocaleString('en-US')}× on ${counted(use.days, 'day')}${use.last === undefined ? '' : `, last ${use.last.slice(0, 10)}`}`;

function towards({ entry: { to, heir }, decision, proposal, edits }: Row): string {
  const target = decision?.kind === 'narrow' ? decision.to : proposal === 'narrow' ? to : undefined;
  if (target !== undefined)
    return ` to ${'role' in target ? code(target.role) : code(listed(target.operations))}`;
  if (decision?.kind === 'reassign') return ` to ${code(decision.owner)}`;
  if (proposal === 'reassign' && heir !== undefined) return ` to ${code(heir)}`;
  const said = decision ?? (proposal === 'keep' ? edits[0]?.decision : undefined);
  if (said?.kind === 'keep' || said?.kind === 'extend') return ` until ${said.until}`;
  return '';
}

const standingWords = {
  same: '',
  changed: 'it is not any more what was judged: decide with a comment, or it is left alone',
  gone: 'gone from the base since',
  attested: 'answered for by another way since',
  ended: 'over by itself since',
} as const;

function why({ standing, decision, entry, proposal }: Row): string {
  if (standing !== 'same') return standingWords[standing];
  if (decision !== undefined && 'unanswered' in decision) return 'nobody has answered by the due date';
  if (decision !== undefined)
    return `${nameOf(decision.by)}${'reason' in decision ? `: ${decision.reason}` : ''}`;
  if (proposal === 'not answered') return 'nobody has answered by the due date; it is left as it is';
  return entry.why ?? '';
}

/** People by their logins, all else as the file has it. */
const loginOf = (principal: string) => principal.replace(/^user:/, '');

const line = (row: Row) =>
  `| **${row.proposal}**${cell(towards(row))} | ${cell(code(row.entry.grant))} | ${cell(code(loginOf(row.entry.principal)))} | ${cell(code(`${row.entry.api}: ${row.entry.gives}`))} (${row.entry.tier}) | ${used(row)} | ${prose(cut(why(row)))} |`;
const head = (since: string) =>
  `| | Grant | Who | May do (tier) | Used since ${since.slice(0, 10)} | Why |\n| --- | --- | --- | --- | --- | --- |`;

/** `revoke 2, narrow 1, keep 40` */
function countsOf(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const { proposal } of sortRows(rows)) counts.set(proposal, (counts.get(proposal) ?? 0) + 1);
  return [...counts].map(([proposal, count]) => `${proposal} ${count}`).join(', ');
}

const folded = (summary: string, text: string) =>
  `<details><summary>${summary}</summary>\n\n${text}\n\n</details>`;

/** Rows until the room is used up; what is more is counted by API. */
function tableOf(rows: readonly Row[], since: string, room: { left: number }): string[] {
  const parts: string[] = [];
  let rest = rows;
  for (const isOpen of [true, false]) {
    const lines: string[] = [];
    room.left -= size(head(since)) + 120;
    for (const row of isOpen ? rest.slice(0, shownOpen) : rest) {
      const text = line(row);
      if (size(text) + 1 > room.left) break;
      room.left -= size(text) + 1;
      lines.push(text);
    }
    rest = rest.slice(lines.length);
    const text = [head(since), ...lines].join('\n');
    if (lines.length > 0) parts.push(isOpen ? text : folded(`${lines.length} more`, text));
    if (rest.length === 0) return parts;
  }
  const byApi = new Map<string, number>();
  for (const { entry } of rest) byApi.set(entry.api, (byApi.get(entry.api) ?? 0) + 1);
  const counts = [...byApi].sort(([, a], [, b]) => b - a).map(([api, count]) => `${count} on ${code(api)}`);
  parts.push(
    `**${counted(rest.length, 'grant')} more, for a description holds no more: ${listed(counts, 8)}. See the files changed.**`,
  );
  return parts;
}

export type PartText = { frozen: Frozen; part: Part; rows: readonly Row[]; needsSecond: boolean };

/** The text of an owner's pull request; `markerSize`: characters of the hidden part beside it. */
export function renderPart({ frozen, part, rows, needsSecond }: PartText, markerSize: number): string {
  const { name, due, evidence, commit, opened, scope } = frozen;
  const sorted = sortRows(rows);
  const pressing = sorted.filter(isPressing);
  const rest = sorted.filter((row) => !isPressing(row));
  const top = [
    `${prose(nameOf(part.owner)).replace(/^the /, 'The ')} answers for ${counted(part.entries.length, 'grant')} in the campaign **${name}**${scope === null ? '' : ` (${code(scope)})`}, by the end of **${due}**. **Merging this is the attestation**: whoever merges says that what is kept is needed; what is taken away is denied from then on.`,
    ...(needsSecond
      ? ['> [!IMPORTANT]\n> Two people must approve this before it is merged (`campaigns.second_approver`).']
      : []),
    `In sum: ${countsOf(rows)}.`,
  ].join('\n\n');
  const bottom = [
    '### To decide otherwise',
    'Comment `/keep GRANT UNTIL REASON`, `/narrow GRANT ROLE`, `/revoke GRANT`, `/suspend GRANT`, `/extend GRANT UNTIL REASON` or `/reassign GRANT group:NAME`; `/help` tells the rest. Closing this means "not reviewed".',
    `Frozen as of ${opened} at ${code(commit)}: ${counted(evidence.records, 'decision record')} of ${counted(evidence.instances, 'gateway')} since ${evidence.from.slice(0, 10)}, coverage ${(evidence.coverage * 100).toFixed(2)} %; population ${counted(frozen.population.grants, 'grant')}, ${code(frozen.population.digest)}. What came later is not in it.`,
  ].join('\n\n');
  const room = { left: longest - leftForPeople - size(top) - size(bottom) - markerSize - 800 };
  return [
    top,
    ...(pressing.length > 0
      ? [`### To think about (${pressing.length})`, ...tableOf(pressing, evidence.from, room)]
      : []),
    ...(rest.length > 0 ? restOf(rest, evidence.from, room, pressing.length === 0) : []),
    bottom,
  ].join('\n\n');
}

/** What nothing was found of stands folded beside what needs thought, and open where there is nothing else. */
function restOf(rest: readonly Row[], since: string, room: { left: number }, isAlone: boolean): string[] {
  const title = `${isAlone ? 'Nothing was found' : 'The rest'} (${rest.length})`;
  const parts = tableOf(rest, since, room);
  if (isAlone || rest.length <= 10) return [`### ${title}`, ...parts];
  return [
    folded(`<b>${title}</b>: nothing was found of ${rest.length === 1 ? 'it' : 'them'}`, parts.join('\n\n')),
  ];
}
