import { series } from './series.ts';
import { sparkText } from './sparkText.ts';
import type { Trend } from './trend.ts';

const mostRows = 20;

/** The runs for people at a terminal: a sparkline of each number, and a table of the latest runs. `width` in columns. */
export function* trendsText(lines: readonly Trend[], width: number): Generator<string> {
  const newest = lines.at(-1);
  if (newest === undefined) {
    yield 'No review has been noted yet.';
    return;
  }
  const valueText = (one: (typeof series)[number], line: Trend) => {
    const value = one.of(line);
    return value === null ? '-' : one.say(value);
  };
  const [name, latest] = [
    Math.max(...series.map((one) => one.name.length)),
    Math.max(...series.map((one) => valueText(one, newest).length)),
  ];
  for (const one of series) {
    const room = Math.max(1, width - name - latest - 4);
    yield `${one.name.padEnd(name)}  ${valueText(one, newest).padStart(latest)}  ${sparkText(lines.map(one.of), room)}`;
  }
  yield '';
  const rows = [
    ['date', ...series.map((one) => one.name)],
    ...lines.slice(-mostRows).map((line) => [line.date, ...series.map((one) => valueText(one, line))]),
  ];
  // What does not fit beside the others is left to the lines above.
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  let columns = 0;
  for (let used = -2; columns < widths.length && used + 2 + (widths[columns] ?? 0) <= width; columns += 1)
    used += 2 + (widths[columns] ?? 0);
  for (const row of rows)
    yield row
      .slice(0, Math.max(1, columns))
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  if (lines.length > mostRows) yield `and ${lines.length - mostRows} runs before`;
}
