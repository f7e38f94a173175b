import { csvRow } from '../../bundle/format/csvRow.ts';
import type { UsageReport } from './gatherUsage.ts';
import { columnsOf } from './usageText.ts';

/** A line for each row, or with `coverage` for each instance and day. */
export async function* usageCsv({ rows, coverage }: UsageReport, by: string): AsyncGenerator<string> {
  if (by === 'coverage') {
    yield csvRow(['instance', 'day', 'covered_minutes', 'lost_minutes']);
    for (const one of coverage)
      yield csvRow([one.instance, one.day, String(one.covered_minutes), String(one.lost_minutes)]);
    return;
  }
  const columns = columnsOf(by);
  yield csvRow(columns.map(({ name }) => name));
  for await (const one of rows) yield csvRow(columns.map(({ of }) => of(one)));
}
