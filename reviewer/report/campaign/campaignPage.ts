import { barChart } from '../../page/barChart.ts';
import { html } from '../../page/html.ts';
import { counted } from '../../plan/sentence.ts';
import type { Control } from '../controls.ts';
import { packPage } from '../packPage.ts';
import type { Table } from '../table.ts';
import type { CampaignInput } from './campaignInput.ts';
import { periodOf } from './campaignTables.ts';

/** What of each control the tables of a campaign can show. */
const controls: readonly Control[] = [
  {
    ...{ framework: 'SOC 2', control: 'CC6.1', tables: ['population', 'enforcement'] },
    asks: 'Logical access is restricted to those who are authorised, by rules that are enforced.',
  },
  {
    ...{ framework: 'SOC 2', control: 'CC6.2', tables: ['decisions', 'second-approvals'] },
    asks: 'Access is authorised before it is given, and ends when it is no longer authorised.',
  },
  {
    ...{ framework: 'SOC 2', control: 'CC6.3', tables: ['decisions', 'owners', 'changed-meanwhile'] },
    asks: 'Access is changed or removed by role and need.',
  },
  {
    ...{ framework: 'ISO/IEC 27001:2022', control: 'A.5.18' },
    tables: ['decisions', 'owners', 'reminders', 'overdue'],
    asks: 'Access rights are provided, reviewed, changed and removed by a rule.',
  },
  {
    ...{ framework: 'PCI DSS 4.0.1', control: '7.2.4' },
    tables: ['population', 'decisions', 'overdue', 'not-evaluable'],
    asks: 'All accounts and their access are reviewed at least every six months, and what is inappropriate is addressed.',
  },
  {
    ...{ framework: 'PCI DSS 4.0.1', control: '7.2.5.1', tables: ['decisions', 'owners'] },
    asks: 'Access of application and system accounts is reviewed periodically, and confirmed by management.',
  },
  {
    ...{ framework: 'GDPR', control: 'Art. 32', tables: ['campaign', 'problems'] },
    asks: 'Measures that keep processing confidential are in place, and are tested and assessed regularly.',
  },
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
<p>${periodOf(input).days} (UTC), due ${frozen.due}${frozen.scope !== null && html`, of <code>${frozen.scope}</code>`}. Frozen at commit <code>${frozen.commit}</code>: population <code>${population.digest}</code>, evidence <code>${evidence.digest}</code> of ${counted(evidence.records, 'record')} of ${counted(evidence.instances, 'gateway')} since ${evidence.from}.</p>`,
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
