import { toTheMinute } from '../../bundle/format/times.ts';
import type { Tally } from '../evidence/tally.ts';
import type { CoveredDay, Note, UsageReport } from './gatherUsage.ts';

/** Names come from records: what would move a terminal's cursor or turn its text does not reach it. */
const harmless = (text: string) => text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu, ' ');

type Column = { name: string; right?: true; of: (row: Tally) => string };

const total = ({ denied }: Tally) => Object.values(denied).reduce((sum, count) => sum + count, 0);
const reasons = ({ denied }: Tally) =>
  Object.entries(denied)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');

/** The columns of a row, by what it is about. */
export function columnsOf(by: string): Column[] {
  const names =
    by === 'operation'
      ? (['api', 'operation'] as const)
      : by === 'grant'
        ? (['grant', 'api'] as const)
        : by === 'api'
          ? (['api'] as const)
          : (['person'] as const);
  return [
    ...names.map((name): Column => ({ name, of: (row) => row[name] ?? '' })),
    { name: 'allowed', right: true, of: ({ allowed }) => String(allowed) },
    ...(by === 'grant'
      ? [{ name: 'busiest', right: true as const, of: ({ busiest }: Tally) => String(busiest ?? '') }]
      : [{ name: 'denied', right: true as const, of: (row: Tally) => String(total(row)) }]),
    { name: 'days', right: true, of: ({ days }) => String(days) },
    { name: 'first', of: ({ first }) => toTheMinute(first) },
    { name: 'last', of: ({ last }) => toTheMinute(last) },
    ...(by === 'grant' ? [] : [{ name: 'reasons', of: reasons }]),
  ];
}

/** Rows that the widths are taken from; those that follow are set in the same. */
const measured = 500;

/** The names of the columns, then the first rows. */
function* head(columns: readonly Column[], rows: readonly Tally[], widths: readonly number[]) {
  yield line(
    columns.map(({ name }) => name),
    columns,
    widths,
  );
  yield* lines(columns, rows, widths);
}

function* lines(columns: readonly Column[], rows: readonly Tally[], widths: readonly number[]) {
  for (const row of rows)
    yield line(
      columns.map(({ of }) => harmless(of(row))),
      columns,
      widths,
    );
}

const line = (cells: readonly string[], columns: readonly Column[], widths: readonly number[]) =>
  cells
    .map((cell, at) => (columns[at]?.right ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
    .join('  ')
    .trimEnd();

/** The table, then how much of it is vouched for and what is to be known of the evidence. */
export async function* usageText(report: UsageReport, by: string): AsyncGenerator<string> {
  if (by !== 'coverage') yield* table(report, by);
  yield* coverageLines(report.coverage, by === 'coverage');
  yield* noteLines(report.notes);
}

async function* table({ rows }: UsageReport, by: string): AsyncGenerator<string> {
  const columns = columnsOf(by);
  const some: Tally[] = [];
  let widths: number[] | null = null;
  const measure = () =>
    columns.map(({ name, of }) => Math.max(name.length, ...some.map((row) => harmless(of(row)).length)));
  for await (const row of rows) {
    if (widths !== null) yield* lines(columns, [row], widths);
    else if (some.push(row) >= measured) {
      widths = measure();
      yield* head(columns, some, widths);
    }
  }
  if (widths !== null) return;
  if (some.length === 0) return yield 'nothing was used in this time';
  yield* head(columns, some, measure());
}

function* coverageLines(days: readonly CoveredDay[], all: boolean): Generator<string> {
  yield '';
  const byInstance = new Map<string, CoveredDay[]>();
  for (const one of days) byInstance.set(one.instance, [...(byInstance.get(one.instance) ?? []), one]);
  if (byInstance.size === 0) yield 'coverage: no gateway is known';
  for (const [instance, own] of byInstance) {
    const alive = own.filter((one) => one.covered_minutes + one.lost_minutes > 0);
    const sum = (key: 'covered_minutes' | 'lost_minutes') =>
      alive.reduce((minutes, one) => minutes + one[key], 0);
    const [covered, lost] = [sum('covered_minutes'), sum('lost_minutes')];
    const share = covered + lost === 0 ? 0 : Math.floor((covered / (covered + lost)) * 1000) / 10;
    yield harmless(
      `coverage of ${instance}: ${share} % of ${alive.length} days, ${lost} minutes are missing`,
    );
    const told = all ? alive : alive.filter((one) => one.lost_minutes > 0);
    for (const one of told.slice(0, all ? undefined : 10))
      yield `  ${one.day}  ${one.covered_minutes} of ${one.covered_minutes + one.lost_minutes} minutes`;
    if (!all && told.length > 10) yield `  and ${told.length - 10} days more; --by coverage lists them`;
  }
}

function* noteLines(notes: readonly Note[]): Generator<string> {
  if (notes.length > 0) yield '';
  const most = 20;
  for (const { kind, text } of notes.slice(0, most)) yield harmless(`${kind}: ${text}`);
  if (notes.length > most) yield `and ${notes.length - most} notes more; --json lists them`;
}
