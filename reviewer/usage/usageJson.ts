import type { UsageReport } from './gatherUsage.ts';

const toTheMillisecond = (seconds: number) => new Date(seconds * 1000).toISOString();

/** One document, in pieces: there may be more rows than fit into memory. */
export async function* usageJson(report: UsageReport, by: string): AsyncGenerator<string> {
  const { from, to, records, coverage, notes } = report;
  const head = { from: toTheMillisecond(from), to: toTheMillisecond(to), by, records, notes };
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "coverage": [`;
  let comma = '';
  for (const one of coverage) {
    yield `${comma}\n    ${JSON.stringify(one)}`;
    comma = ',';
  }
  yield '\n  ],\n  "rows": [';
  comma = '';
  if (by !== 'coverage')
    for await (const { first, last, ...row } of report.rows) {
      yield `${comma}\n    ${JSON.stringify({ ...row, first: toTheMillisecond(first), last: toTheMillisecond(last) })}`;
      comma = ',';
    }
  yield '\n  ]\n}\n';
}
