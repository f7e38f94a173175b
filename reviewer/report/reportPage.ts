import { barChart } from '../page/barChart.ts';
import { baseStyle } from '../page/baseStyle.ts';
import { type Html, html, page } from '../page/html.ts';
import { chartStyle, lineChart } from '../page/lineChart.ts';
import { counted, dayOf } from '../plan/sentence.ts';
import { controls } from './controls.ts';
import type { ReportInput } from './reportInput.ts';
import { shown, type Table } from './table.ts';

/** More rows of a table than this are in its CSV and JSON only. */
const mostRows = 400;

const style = `${baseStyle}
a { color: var(--fill); }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; max-width: 24rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.soft { color: var(--soft); }
code { font-size: .9em; overflow-wrap: anywhere; }
summary { cursor: pointer; }
figure svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
figure svg text { fill: var(--ink); }
.bar { fill: var(--fill); }
:focus-visible { outline: 2px solid var(--fill); outline-offset: 2px; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.tiles li { flex: 1 1 9rem; border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; }
.tiles b { display: block; font-size: 1.7rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem 2rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .4rem; }
.rows table { font-size: .86em; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } section { break-inside: auto; } tr { break-inside: avoid; } h2 { break-after: avoid; } }
${chartStyle}`;

const files = (name: string) =>
  html`<a href="${name}.csv">${name}.csv</a>, <a href="${name}.json">${name}.json</a>`;

function section({ name, title, about, columns, rows }: Table): Html {
  const few = rows.slice(0, mostRows);
  const number = (key: string) => rows.some((row) => typeof row[key] === 'number');
  const kinds = columns.map(({ key }) => (number(key) ? html` class="number"` : null));
  const table = html`<div class="scroll rows"><table><thead><tr>${columns.map(({ label }, index) => html`<th scope="col"${kinds[index] ?? null}>${label}</th>`)}</tr></thead><tbody>${few.map(
    (row) =>
      html`<tr>${columns.map(({ key }, index) => html`<td${kinds[index] ?? null}>${shown(row[key])}</td>`)}</tr>`,
  )}</tbody></table></div>`;
  const rest = rows.length - few.length;
  return html`<section id="${name}"><h2>${title}</h2><p>${about}</p><p class="soft">${counted(rows.length, 'row')}; ${files(name)}</p>
${rows.length === 0 ? html`<p>None.</p>` : rows.length > 25 ? html`<details><summary>Show ${few.length < rows.length ? `the first ${few.length}` : 'them'}</summary>${table}</details>` : table}
${rest > 0 ? html`<p class="soft">… and ${rest} more in the files.</p>` : null}</section>`;
}

/** How many grants there were, counted back from the end by what came and went. */
function populationOverTime({ period, plan, changes }: ReportInput): { at: number; value: number }[] {
  let value = plan.population.grants;
  const points = [{ at: period.to, value }];
  for (const { what, at } of [...changes].reverse()) {
    if (what !== 'granted' && what !== 'removed') continue;
    points.push({ at, value });
    value += what === 'granted' ? -1 : 1;
    points.push({ at, value });
  }
  points.push({ at: period.from, value });
  // In ms, as charts have it.
  return points.reverse().map((point) => ({ ...point, at: point.at * 1000 }));
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
  const { period, plan, organisation, changes, uses } = input;
  const unused = uses === null ? null : organisation.grants.filter(({ id }) => !uses.has(id)).length;
  const share = (part: number, all: number) => (all === 0 ? '0 %' : `${Math.round((part / all) * 100)} %`);
  const tiles: readonly (readonly [string, string | number])[] = [
    ['grants', plan.population.grants],
    ['decisions', changes.length],
    ['open findings', plan.findings.length],
    ['not evaluable', plan.not_evaluable.length],
    ['unused in the period', unused === null ? 'not known' : share(unused, organisation.grants.length)],
    ['records covered', `${(plan.evidence.coverage * 100).toFixed(2)} %`],
  ];
  const tiers = ['critical', 'high', 'medium', 'low'].map((tier) => {
    const of = organisation.grants.filter(({ api }) => organisation.apis.get(api)?.tier === tier);
    return { tier, all: of.length, unused: uses === null ? 0 : of.filter(({ id }) => !uses.has(id)).length };
  });
  const charts = [
    lineChart('Grants over the period', [{ name: 'grants', points: populationOverTime(input) }]),
    barChart('Open findings by detector', countBy(plan.findings.map(({ detector }) => detector))),
    barChart('Decisions by kind', countBy(changes.map(({ what }) => what))),
    barChart(
      'Unused grants by tier, share',
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
  const link = (name: string) =>
    html`<a href="#${name}">${tables.find((table) => table.name === name)?.title ?? name}</a>`;
  const joined = (names: readonly string[]) =>
    names.map((name, index) => [index === 0 ? '' : ', ', link(name)]);
  const body = html`<h1>Access report</h1>
<p>From ${dayOf(period.from)} to ${dayOf(period.to - 1)} (UTC)${plan.revision === null ? '' : html`, at commit <code>${plan.revision}</code>`}. Population <code>${plan.population.digest}</code>.${uses === null ? ' No records were at hand, so nothing is said of use.' : html` Use is known from ${plan.evidence.from} on: ${counted(plan.evidence.records, 'record')} of ${counted(plan.evidence.instances, 'gateway')}.`}</p>
<ul class="tiles">${tiles.map(([label, value]) => html`<li><b>${value}</b>${label}</li>`)}</ul>
<div class="charts">${charts}</div>
<section id="controls"><h2>Controls</h2><p>Which rows answer what.</p><div class="scroll"><table><thead><tr><th scope="col">Framework</th><th scope="col">Control</th><th scope="col">Asks</th><th scope="col">Rows</th></tr></thead><tbody>${controls.map(
    ({ framework, control, asks, tables: names }) =>
      html`<tr><td>${framework}</td><td>${control}</td><td>${asks}</td><td>${joined(names)}</td></tr>`,
  )}</tbody></table></div></section>
${tables.map(section)}
<p class="soft">manifest.json names each file with its SHA-256; <code>grantgate report --verify FOLDER</code> checks them.</p>`;
  return page({ title: `Access report ${dayOf(period.from)} to ${dayOf(period.to - 1)}`, style, body });
}
