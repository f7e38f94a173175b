import { scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import { type Html, html } from './html.ts';

const [width, height] = [120, 24];

/** Values of days that follow each other, from zero, as a small picture that says in words what it is. */
export function sparkline(values: readonly number[], said: string): Html {
  const most = Math.max(0, ...values);
  if (most === 0) return html`<span class="soft">none</span>`;
  const x = scaleLinear()
    .domain([0, Math.max(1, values.length - 1)])
    .range([1, width - 1]);
  const y = scaleLinear()
    .domain([0, most])
    .range([height - 2, 2]);
  const round = (value: number) => Math.round(value * 10) / 10;
  const [at, up] = [(_: number, index: number) => round(x(index)), (value: number) => round(y(value))];
  const all = [...values];
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${said}"><title>${said}</title><path class="under" d="${area(at, height - 1, up)(all) ?? ''}"/><path class="over" d="${line(at, up)(all) ?? ''}"/></svg>`;
}

export const sparkStyle = `
svg.spark { width: ${width}px; height: ${height}px; display: inline-block; vertical-align: middle; }
.spark .under { fill: var(--fill); opacity: .2; stroke: none; } .spark .over { fill: none; stroke: var(--fill); stroke-width: 1.5; }
`;
