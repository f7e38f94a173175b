import { counted } from '../../../bundle/format/counted.ts';
import { barChart } from '../../page/barChart.ts';
import { html } from '../../page/html.ts';
import { answeredBy, type Control } from '../controls.ts';
import { packPage } from '../packPage.ts';
import { doubtLine } from '../recordRows.ts';
import type { Table } from '../table.ts';
import type { CampaignInput } from './campaignInput.ts';
import { periodOf } from './campaignTables.ts';

/** What of each control the tables of a campaign can show. */
const controls: readonly Control[] = [
  answeredBy('CC6.1', ['population', 'enforcement', 'records']),
  answeredBy('CC6.2', ['decisions', 'second-approvals']),
  answeredBy(
    'CC6.3',
    ['decisions', 'owners', 'changed-meanwhile'],
    'Access is changed or removed by role and need.',
  ),
  answeredBy('A.5.18', ['decisions', 'owners', 'reminders', 'overdue']),
  answeredBy('7.2.4', ['population', 'decisions', 'overdue', 'not-evaluable']),
  answeredBy('7.2.5.1', ['decisions', 'owners']),
  answeredBy('Art. 32', ['campaign', 'problems']),
];

/** The report of a campaign as one page that needs nothing else. */
export function campaignPage(input: CampaignInput, tables: readonly Table[]): string {
  const { frozen, report, parts } = input;
  const { evidence, population } = frozen;
  const blind = frozen.entries.filter(({ use }) => use === undefined).length;
  const bars = (values: readonly string[]) =>
    [...Map.groupBy(values, (value) => value)]
      .map(([label, { length: value }]) => ({ label, value }))
      .sort((a, b) => b.value - a.value || (a.label < b.label ? -1 : 1));
  const outcomes = Object.entries(report.totals).filter(([, count]) => count > 0);
  return packPage({
    title: `Access campaign ${frozen.name}`,
    about: html`${!report.finished && html`<p class="warning">This campaign is not finished: ${report.done} of ${counted(parts.length, 'owner')} are done. All below is as of ${periodOf(input).until}.</p>`}
<p>${periodOf(input).days} (UTC), due ${frozen.due}${frozen.scope !== null && html`, of <code>${frozen.scope}</code>`}. Frozen at commit <code>${frozen.commit}</code>: population <code>${population.digest}</code>, evidence <code>${evidence.digest}</code> of ${counted(evidence.records, 'record')} of ${counted(evidence.instances, 'gateway')} since ${evidence.from}.${doubtLine(input.records)}</p>`,
    tiles: [
      ['grants asked about', population.grants],
      ['owners done', `${report.done} of ${parts.length}`],
      ['taken away or narrowed', report.totals.removed + report.totals.suspended + report.totals.narrowed],
      [
        'not decided',
        report.totals.open + report.totals.unreviewed + report.totals.changed + report.totals.reassigned,
      ],
      ['not evaluable', blind],
      ['records covered', `${(evidence.coverage * 100).toFixed(2)} %`],
    ],
    charts: [
      barChart(
        'What became of the grants',
        outcomes.map(([label, value]) => ({ label, value })),
      ),
      barChart('Owners by state', bars(parts.map(({ state }) => state))),
      barChart('Findings by detector', bars(frozen.entries.flatMap(({ detector }) => detector ?? []))),
    ],
    ...{ controls, tables },
  });
}
