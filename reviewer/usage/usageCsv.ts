import { cell } from '../inventory/inventoryCsv.ts';
import type { UsageReport } from './gatherUsage.ts';
import { columnsOf } from './usageText.ts';

const row = (cells: readonly string[]) => `${cells.map(cell).join(',')}\r\n`;

/** A line for each row, or with `coverage` for each instance and day. */
export async function* usageCsv({ rows, coverage }: UsageReport, by: string): AsyncGenerator<string> {
  if (by === 'coverage') {
    yield row(['instance', 'day', 'covered_minutes', 'lost_minutes']);
    for (const one of coverage)
      yield row([one.instance, one.day, String(one.covered_minutes), String(one.lost_minutes)]);
    return;
  }
  const columns = columnsOf(by);
  yield row(columns.map(({ name }) => name));
  for await (const one of rows) yield row(columns.map(({ of }) => of(one)));
}
