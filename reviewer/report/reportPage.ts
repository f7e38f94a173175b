import { counted } from '../../bundle/format/counted.ts';
import { dayOf } from '../../bundle/format/times.ts';
import { isLive } from '../../bundle/grants/dates.ts';
import { barChart } from '../page/barChart.ts';
import { html } from '../page/html.ts';
import { lineChart } from '../page/lineChart.ts';
import { controls } from './controls.ts';
import { packPage } from './packPage.ts';
import { doubtLine } from './recordRows.ts';
import type { ReportInput } from './reportInput.ts';
import type { Table } from './table.ts';

/** How many grants there were, counted back from the end by what came and went. */
function populationOverTime({ period, plan, changes }: ReportInput): { atMs: number; value: number }[] {
  let value = plan.population.grants;
  // The last second of the last day, so that the axis ends on that.
  const points = [{ at: period.to - 1, value }];
  for (const { what, at } of [...changes].reverse()) {
    if (what !== 'granted' && what !== 'removed') continue;
    points.push({ at, value });
    value += what === 'granted' ? -1 : 1;
    points.push({ at, value });
  }
  points.push({ at: period.from, value });
  // In ms, as charts have it.
  return points.reverse().map(({ at, value }) => ({ atMs: at * 1000, value }));
}

const countBy = (values: readonly string[]): { label: string; value: number }[] => {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .map(([label, value]) => ({ label, value }))
    .sort((a, b) => b.value - a.value || (a.label < b.label ? -1 : 1));
};

const bands: readonly [string, number][] = [
  ['≤ 5 s', 5],
  ['≤ 1 min', 60],
  ['≤ 1 h', 3600],
  ['longer', Number.POSITIVE_INFINITY],
];

function timeToEnforcement(decisions: Table | undefined): { label: string; value: number }[] {
  const seconds = (decisions?.rows ?? []).flatMap(({ seconds_to_enforcement: one }) =>
    typeof one === 'number' ? [one] : [],
  );
  if (seconds.length === 0) return [];
  return bands.map(([label, most], index) => {
    const least = index === 0 ? -1 : (bands[index - 1]?.[1] ?? 0);
    return { label, value: seconds.filter((one) => one > least && one <= most).length };
  });
}

/** The report as one page that needs nothing else. */
export function reportPage(input: ReportInput, tables: readonly Table[]): string {
  const { period, plan, organisation, changes, uses, records } = input;
  // Of those that give something at the end, as runs of the review count them: what is suspended or over nobody could use.
  const live = organisation.grants.filter((grant) => isLive(grant, period.to));
  const unused = uses === null ? null : live.filter(({ id }) => !uses.has(id)).length;
  const share = (part: number, all: number) => (all === 0 ? '0 %' : `${Math.round((part / all) * 100)} %`);
  const tiles: readonly (readonly [string, string | number])[] = [
    ['grants', plan.population.grants],
    ['decisions', changes.length],
    ['open findings', plan.findings.length],
    ['not evaluable', plan.not_evaluable.length],
    ['active and unused in the period', unused === null ? 'not known' : share(unused, live.length)],
    ['records covered', `${(plan.evidence.coverage * 100).toFixed(2)} %`],
  ];
  const tiers = ['critical', 'high', 'medium', 'low'].map((tier) => {
    const of = live.filter(({ api }) => organisation.apis.get(api)?.tier === tier);
    return { tier, all: of.length, unused: uses === null ? 0 : of.filter(({ id }) => !uses.has(id)).length };
  });
  const charts = [
    lineChart('Grants over the period', [{ name: 'grants', points: populationOverTime(input) }]),
    barChart('Open findings by detector', countBy(plan.findings.map(({ detector }) => detector))),
    barChart('Decisions by kind', countBy(changes.map(({ what }) => what))),
    barChart(
      'Active grants that nobody used by tier, share',
      uses === null
        ? []
        : tiers
            .filter(({ all }) => all > 0)
            .map(({ tier, all, unused: none }) => ({ label: tier, value: Math.round((none / all) * 100) })),
      ' %',
    ),
    barChart(
      'Time from merge to enforcement',
      timeToEnforcement(tables.find(({ name }) => name === 'decisions')),
    ),
  ];
  const about = html`<p>From ${dayOf(period.from)} to ${dayOf(period.to - 1)} (UTC)${plan.revision === null ? '' : html`, at commit <code>${plan.revision}</code>`}. Population <code>${plan.population.digest}</code>.${uses === null ? ' No records were at hand, so nothing is said of use.' : html` Use is known from ${plan.evidence.from} on: ${counted(plan.evidence.records, 'record')} of ${counted(plan.evidence.instances, 'gateway')}.`}${doubtLine(records)}</p>`;
  const title = `Access report ${dayOf(period.from)} to ${dayOf(period.to - 1)}`;
  return packPage({ title, about, tiles, charts, controls, tables });
}
