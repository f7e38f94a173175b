import Table from 'cli-table3';
import { counted, listed } from '../../bundle/format/counted.ts';
import type { Plan } from '../plan/finding.ts';
import { worstFirst } from '../plan/worstFirst.ts';
import type { Pull } from './pull.ts';

/** Text from grants reaches the terminal: what would move its cursor or colour it does not. */
const plain = (text: string) => text.replace(/\p{Cc}+/gu, ' ');

const target = (to: Plan['findings'][number]['to']) =>
  to === undefined ? '' : 'role' in to ? ` to ${to.role}` : ` to ${listed(to.operations)}`;

/** One line between head and rows is enough. */
const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

function table(head: string[], widths: number[], rows: string[][]): string {
  const made = new Table({ head, wordWrap: true, colWidths: widths, chars, style: { head: [], border: [] } });
  made.push(...rows.map((row) => row.map((cell, at) => broken(plain(cell), (widths[at] ?? 0) - 2))));
  return made.toString();
}

/** Words longer than their column go on below: cut, a name would be none. */
const broken = (text: string, width: number): string =>
  text
    .split(' ')
    .flatMap((word) => word.match(new RegExp(`.{1,${Math.max(1, width)}}`, 'gsu')) ?? [''])
    .join(' ');

/** Findings in a row each: five columns where there is room for them, else three. */
function findingsTable(findings: Plan['findings'], width: number): string {
  const proposal = ({ action, to }: Plan['findings'][number]) => action + target(to);
  if (width >= 120) {
    const widths = [10, 22, 34, 22];
    const why = width - widths.reduce((sum, one) => sum + one, 0) - 6;
    return table(
      ['severity', 'detector', 'grant', 'proposal', 'why'],
      [...widths, why],
      worstFirst(findings).map((one) => [one.severity, one.detector, one.grant, proposal(one), one.sentence]),
    );
  }
  const widths = [30, 13];
  return table(
    ['grant', 'proposal', 'why'],
    [...widths, Math.max(16, width - 43 - 4)],
    worstFirst(findings).map((one) => [
      `${one.grant} ${one.detector}, ${one.severity}`,
      proposal(one),
      one.sentence,
    ]),
  );
}

/** What could not be read or vouches for nothing; the first of many. */
function missing({ unreadable = [], faulty = [], repeated = [], ahead = [] }: Plan['evidence']): string[] {
  const all = [
    ...unreadable,
    ...faulty.map(({ instance, day, reason }) => `the roll-up of ${instance} for ${day}: ${reason}`),
    ...repeated.map(({ instance, numbers }) => `${instance} gave ${counted(numbers, 'number')} twice`),
    ...ahead.map(
      ({ instance, minutes }) =>
        `the clock of ${instance} is ahead, by ${counted(minutes, 'minute')} at least`,
    ),
  ];
  return all.length > 20 ? [...all.slice(0, 20), `and ${all.length - 20} more, in --json`] : all;
}

/** The plan, and what was done with it, for people at a terminal. `width` in columns. */
export function renderTable(plan: Plan, pulls: readonly Pull[] = [], width = 140): string {
  const { findings, not_evaluable, exempt, evidence, population } = plan;
  const parts = [
    `${counted(population.grants, 'grant')} as of ${plan.as_of}${plan.revision === null ? '' : `, revision ${plan.revision.slice(0, 12)}`}; ${counted(evidence.records, 'record')} of ${counted(evidence.instances, 'instance')} since ${evidence.from}, coverage ${(evidence.coverage * 100).toFixed(2)} %`,
  ];
  const lost = missing(evidence);
  if (lost.length > 0)
    parts.push(
      `missing evidence, so that time is not covered:\n${lost.map((one) => `  ${plain(one)}`).join('\n')}`,
    );
  if (findings.length > 0) parts.push(findingsTable(findings, width));
  parts.push(findings.length === 0 ? 'nothing to propose' : counted(findings.length, 'finding'));
  if (not_evaluable.length > 0)
    parts.push(
      `not evaluable, for the records do not cover enough:\n${not_evaluable.map(({ grant, detectors, coverage }) => `  ${grant}: ${detectors.join(', ')} (coverage ${(coverage * 100).toFixed(2)} %)`).join('\n')}`,
    );
  if (plan.withdrawn !== undefined)
    parts.push(
      `not recommended, for what the records show:\n${plan.withdrawn.map(({ grant, detector, why }) => `  ${grant}: ${detector} (${plain(why)})`).join('\n')}`,
    );
  if (plan.faults !== undefined)
    parts.push(
      `not judged:\n${plan.faults.map(({ detector, message }) => `  ${detector === undefined ? '' : `${detector}: `}${plain(message)}`).join('\n')}`,
    );
  if (exempt.length > 0)
    parts.push(
      `exempt:\n${exempt.map(({ grant, detector, until, reason }) => `  ${grant}: ${detector} until ${until} (${plain(reason)})`).join('\n')}`,
    );
  if (pulls.length > 0)
    parts.push(
      `pull requests:\n${pulls.map(({ action, number, url, branch, grants, reason }) => `  ${action}${number === null ? '' : ` #${number}`} ${url ?? branch} (${counted(grants.length, 'grant')})${reason === undefined ? '' : `: ${reason}`}`).join('\n')}`,
    );
  return `${parts.join('\n\n')}\n`;
}
