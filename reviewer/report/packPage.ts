import { counted } from '../../bundle/format/counted.ts';
import { baseStyle } from '../page/baseStyle.ts';
import { type Html, html, type Part, page } from '../page/html.ts';
import { chartStyle } from '../page/lineChart.ts';
import type { Control } from './controls.ts';
import { shown, type Table } from './table.ts';

/** More rows of a table than this are in its CSV and JSON only. */
const mostRows = 400;

const style = `${baseStyle}
a { color: var(--fill); }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; max-width: 24rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
p.warning { border-left: 4px solid var(--fill); padding: .5rem 1rem; font-weight: 600; }
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
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .4rem; }
.rows table { font-size: .86em; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } section { break-inside: auto; } tr { break-inside: avoid; } h2 { break-after: avoid; } .scroll { overflow: visible; } .rows table { font-size: 7px; } .rows th, .rows td { padding: 1px 3px; max-width: 9rem; overflow-wrap: anywhere; } details:not([open]) summary::after { content: ' (folded on paper: see the files)'; } }
@page { size: A4 landscape; margin: 12mm; }
${chartStyle}`;

const files = (name: string) =>
  html`<a href="${name}.csv">${name}.csv</a>, <a href="${name}.json">${name}.json</a>`;

function section({ name, title, about, columns, rows }: Table): Html {
  const few = rows.slice(0, mostRows);
  const number = (key: string) =>
    rows.some((row) => typeof row[key] === 'number') &&
    rows.every((row) => row[key] === null || typeof row[key] === 'number');
  const kinds = columns.map(({ key }) => (number(key) ? html` class="number"` : null));
  const table = html`<div class="scroll rows" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${columns.map(({ label }, index) => html`<th scope="col"${kinds[index] ?? null}>${label}</th>`)}</tr></thead><tbody>${few.map(
    (row) =>
      html`<tr>${columns.map(({ key }, index) => html`<td${kinds[index] ?? null}>${shown(row[key])}</td>`)}</tr>`,
  )}</tbody></table></div>`;
  const rest = rows.length - few.length;
  return html`<section id="${name}"><h2>${title}</h2><p>${about}</p><p class="soft">${counted(rows.length, 'row')}; ${files(name)}</p>
${rows.length === 0 ? html`<p>None.</p>` : rows.length > 25 ? html`<details><summary>Show ${few.length < rows.length ? `the first ${few.length}` : 'them'}</summary>${table}</details>` : table}
${rest > 0 ? html`<p class="soft">… and ${rest} more in the files.</p>` : null}</section>`;
}

type Told = {
  title: string;
  /** What stands above all: of what, from when to when. */
  about: Part;
  tiles: readonly (readonly [string, string | number])[];
  charts: readonly Html[];
  controls: readonly Control[];
  tables: readonly Table[];
};

/** A report as one page that needs nothing else. */
export function packPage({ title, about, tiles, charts, controls, tables }: Told): string {
  const link = (name: string) =>
    html`<a href="#${name}">${tables.find((table) => table.name === name)?.title ?? name}</a>`;
  const joined = (names: readonly string[]) =>
    names.map((name, index) => [index === 0 ? '' : ', ', link(name)]);
  const body = html`<main><h1>${title}</h1>
${about}
<ul class="tiles">${tiles.map(([label, value]) => html`<li><b>${value}</b>${label}</li>`)}</ul>
<div class="charts">${charts}</div>
<section id="controls"><h2>Controls</h2><p>Which rows answer what.</p><div class="scroll" tabindex="0" role="region" aria-label="Controls"><table><thead><tr><th scope="col">Framework</th><th scope="col">Control</th><th scope="col">Asks</th><th scope="col">Rows</th></tr></thead><tbody>${controls.map(
    ({ framework, control, asks, tables: names }) =>
      html`<tr><td>${framework}</td><td>${control}</td><td>${asks}</td><td>${joined(names)}</td></tr>`,
  )}</tbody></table></div></section>
${tables.map(section)}
<p class="soft">manifest.json names each file with its SHA-256; <code>grantgate report --verify FOLDER</code> checks them.</p></main>`;
  return page({ title, style, body });
}
