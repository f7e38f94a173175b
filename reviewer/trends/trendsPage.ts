import { counted } from '../../bundle/format/counted.ts';
import { baseStyle } from '../page/baseStyle.ts';
import { html, page } from '../page/html.ts';
import { chartStyle, type Line, lineChart } from '../page/lineChart.ts';
import { series } from './series.ts';
import type { Trend } from './trend.ts';

const style = `${baseStyle}
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2rem; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
${chartStyle}`;

const percent = (value: number) => `${Math.round(value * 1000) / 10} %`;

/** The runs as one page that needs nothing else and runs nothing. */
export function trendsPage(lines: readonly Trend[]): string {
  const over = (name: string, of: (line: Trend) => number | null): Line => ({
    name,
    points: lines.map((line) => ({ atMs: Date.parse(line.as_of), value: of(line) })),
  });
  const detectors = [...new Set(lines.flatMap(({ findings }) => Object.keys(findings)))].sort();
  const [first, last] = [lines[0], lines.at(-1)];
  const charts = [
    lineChart('Grants and people', [
      over('grants', ({ grants }) => grants),
      over('people', ({ people }) => people),
    ]),
    lineChart('Grants that nobody used', [over('unused', ({ unused }) => unused)], percent),
    lineChart(
      'Findings by detector',
      detectors.map((name) => over(name, ({ findings }) => findings[name] ?? 0)),
    ),
    lineChart('Days that findings have been open', [
      over('oldest', ({ age }) => age.oldest),
      over('median', ({ age }) => age.median),
    ]),
    lineChart('Grants put back within 30 days', [over('reverted', ({ reverted }) => reverted)]),
    lineChart(
      'Share of the window that records cover',
      [over('coverage', ({ coverage }) => coverage)],
      percent,
    ),
  ];
  const row = (line: Trend) =>
    html`<tr><td>${line.date}</td><td>${line.revision?.slice(0, 12) ?? ''}</td>${series.map((one) => {
      const value = one.of(line);
      return html`<td>${value === null ? '' : one.say(value)}</td>`;
    })}</tr>`;
  const body =
    first === undefined || last === undefined
      ? html`<h1>Access reviews over time</h1><p>No review has been noted yet.</p>`
      : html`<h1>Access reviews over time</h1>
<p>${counted(lines.length, 'run')}${first === last ? `, of ${first.date}` : ` from ${first.date} to ${last.date}`}.</p>
<div class="charts">${charts}</div>
<h2>Runs</h2>
<div class="scroll"><table><thead><tr><th scope="col">date</th><th scope="col">commit</th>${series.map((one) => html`<th scope="col">${one.name}</th>`)}</tr></thead>
<tbody>${[...lines].reverse().map(row)}</tbody></table></div>`;
  return page({ title: 'Access reviews over time', style, body });
}
