import { scaleLinear, scaleUtc } from 'd3-scale';
import { line as path } from 'd3-shape';
import { dayOf } from '../../bundle/format/times.ts';
import { type Html, html } from './html.ts';

// d3's shapes and scales draw; they need no document, and what they draw is text that is escaped like any other.

/** `atMs` in ms since 1970; a value that is not known leaves a gap. */
type Point = { atMs: number; value: number | null };
export type Line = { name: string; points: readonly Point[] };

const width = 560;
const height = 200;
const [left, right, top, bottom] = [52, 12, 10, 24];
/** So many lines are told apart. */
export const mostLines = 8;

/** Few round steps that hold all of it, from zero: whole ones for what is counted. */
export function ticks(most: number, whole = false): number[] {
  if (!(most > 0)) return [0, 1];
  const steps = scaleLinear().domain([0, most]).nice(4).ticks(4);
  return whole ? steps.filter(Number.isInteger) : steps;
}

const number = (value: number) => String(Math.round(value * 100) / 100);

/**
 * Lines over time, from zero, as SVG that needs no script; each point says what it is. Colours are the classes `line0`
 * and up. More than {@link mostLines} are cut, largest last values first.
 */
export function lineChart(
  title: string,
  lines: readonly Line[],
  unit: (value: number) => string = number,
): Html {
  const last = ({ points }: Line) => points.findLast(({ value }) => value !== null)?.value ?? 0;
  const drawn = [...lines].sort((a, b) => last(b) - last(a)).slice(0, mostLines);
  const all = drawn.flatMap(({ points }) => points);
  const times = all.map(({ atMs }) => atMs);
  const [first, end] = [Math.min(...times), Math.max(...times)];
  const scale = ticks(Math.max(0, ...all.map(({ value }) => value ?? 0)), unit === number);
  const most = scale.at(-1) ?? 1;
  const rounded = (value: number) => Math.round(value * 10) / 10;
  const across = scaleUtc()
    .domain([first, end])
    .range([left, width - right]);
  // Of one instant alone, the middle.
  const x = (at: number) => rounded(first === end ? (left + width - right) / 2 : across(at));
  const down = scaleLinear()
    .domain([0, most])
    .range([height - bottom, top]);
  const y = (value: number) => rounded(down(value));
  const grid = scale.map(
    (value) =>
      html`<line class="grid" x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${unit(value)}</text>`,
  );
  const days =
    times.length === 0
      ? []
      : [...new Set([first, end])].map(
          (at, index, both) =>
            html`<text class="tick" x="${x(at)}" y="${height - 6}" text-anchor="${both.length === 1 ? 'middle' : index === 0 ? 'start' : 'end'}">${dayOf(at / 1000)}</text>`,
        );
  const paths = drawn.map(({ name, points }, index) => {
    const drawnLine = path<Point>(
      ({ atMs }) => x(atMs),
      ({ value }) => y(value ?? 0),
    ).defined(({ value }) => value !== null);
    const dots = points.map(
      ({ atMs, value }) =>
        value !== null &&
        html`<circle class="line${index}" cx="${x(atMs)}" cy="${y(value)}" r="3"><title>${name}, ${dayOf(atMs / 1000)}: ${unit(value)}</title></circle>`,
    );
    return html`<path class="line${index}" d="${drawnLine([...points]) ?? ''}"/>${dots}`;
  });
  // Of what the newest point does not know, an earlier one is no word.
  const newest = ({ points }: Line) => points.at(-1)?.value ?? null;
  const legend = drawn.map((line, index) => {
    const value = newest(line);
    return html`<li><i class="line${index}"></i>${line.name} <b>${value === null ? 'not known' : unit(value)}</b></li>`;
  });
  return html`<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${grid}${days}${paths}</svg><ul class="legend">${legend}</ul>${lines.length > mostLines && html`<p>and ${lines.length - mostLines} more</p>`}</figure>`;
}

export const chartStyle = `
figure { margin: 0 0 1.5rem; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--line); } .tick { fill: currentColor; font: 11px system-ui, sans-serif; opacity: .75; }
path { fill: none; stroke-width: 2; } circle { stroke: none; }
.legend { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em; }
${['#3b7ddd', '#d9622b', '#2e9e6b', '#a355c4', '#c9a227', '#d14d72', '#4aa3b5', '#7f8792']
  .map(
    (colour, index) =>
      `path.line${index} { stroke: ${colour}; } circle.line${index} { fill: ${colour}; } i.line${index} { background: ${colour}; }`,
  )
  .join('\n')}
`;
