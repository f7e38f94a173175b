import Table from 'cli-table3';
import { counted } from '../../bundle/format/counted.ts';
import type { Report } from './report.ts';

const plain = (text: string) => text.replace(/\p{Cc}+/gu, ' ');
const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

const secondWords = {
  given: ', two approved',
  missing: ', SECOND APPROVER MISSING',
  waiting: ', two must approve',
};

/** `keep 4, revoke 1`, the most first. */
function countsIn(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([word, count]) => `${word} ${count}`)
    .join(', ');
}

/** How a campaign stands, for a terminal. */
export function reportText(report: Report): string {
  const { campaign, scope, opened, due, population, totals, parts, finished, overdue, problems } = report;
  const table = new Table({
    ...{
      head: ['owner', 'pull request', 'asked', 'answered', 'state'],
      chars,
      style: { head: [], border: [] },
    },
  });
  table.push(
    ...parts.map(({ owner, url, answered, grants, state, merged_by, second_approver, reason }) =>
      [
        owner,
        url ?? '',
        countsIn(grants.map(({ proposed }) => proposed)),
        `${answered} of ${grants.length}`,
        `${state}${merged_by ? ` by ${merged_by}` : ''}${second_approver === undefined ? '' : secondWords[second_approver]}${reason === undefined ? '' : ` (${reason})`}`,
      ].map(plain),
    ),
  );
  const counts = Object.entries(totals)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${count}`);
  return [
    `Campaign ${campaign}${scope === null ? '' : ` (${plain(scope)})`}: ${counted(population.grants, 'grant')} of ${counted(parts.length, 'owner')}, ${opened} to ${due}${finished ? ', finished' : overdue ? ', OVERDUE' : ''}.`,
    `Frozen at ${report.commit}, population ${population.digest}.`,
    table.toString(),
    `${report.done} of ${counted(parts.length, 'owner')} done: ${counts.join(', ')}.`,
    ...problems.map((one) => `! ${plain(one)}`),
    '',
  ].join('\n');
}
