import { scaleBand, scaleLinear } from 'd3-scale';
import { type Html, html } from './html.ts';

/** Pixels: of all, and of what names and values take of them; and how far the bars are apart. */
const [width, side, value] = [640, 150, 90];
const step = 24;
const at = (number: number) => Math.round(number * 10) / 10;

/** Bars to the right, one under the other, each with its value; `unit` stands behind it. As SVG that needs no script. */
export function barChart(title: string, bars: readonly { label: string; value: number }[], unit = ''): Html {
  if (bars.length === 0) return html`<p class="soft">${title}: nothing to show.</p>`;
  const height = bars.length * step + 4;
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  const across = scaleLinear()
    .domain([0, most])
    .range([0, width - side - value]);
  const down = scaleBand<number>()
    .domain(bars.keys())
    .range([2, height - 2]);
  const rows = bars.map((bar, index) => {
    const top = at(down(index) ?? 0);
    const long = at(across(bar.value));
    return html`<g><text x="${side - 8}" y="${top + 16}" text-anchor="end">${bar.label}</text><rect class="bar" x="${side}" y="${top + 3}" width="${long}" height="${step - 6}" rx="2"/><text x="${side + long + 6}" y="${top + 16}">${bar.value}${unit}</text></g>`;
  });
  const said = bars.map((bar) => `${bar.label} ${bar.value}${unit}`).join(', ');
  return html`<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}: ${said}">${rows}</svg></figure>`;
}
