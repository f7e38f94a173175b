import { csvRow } from '../../bundle/format/csvRow.ts';

export type Value = string | number | boolean | null;
export type Column = { key: string; label: string };

/** Rows of one kind; `about` says in a sentence or two what they are, and from what they were made. */
export type Table = {
  /** Also the name of its files. */
  name: string;
  title: string;
  about: string;
  columns: readonly Column[];
  rows: readonly Readonly<Record<string, Value>>[];
};

/** Columns by key, with what stands above them. */
export const columns = (labels: Record<string, string>): Column[] =>
  Object.entries(labels).map(([key, label]) => ({ key, label }));

/** What stands in a cell, for people and spreadsheets: unknown is empty. */
export const shown = (value: Value | undefined): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'boolean'
      ? value
        ? 'yes'
        : 'no'
      : String(value);

const tableCsv = ({ columns, rows }: Table): string =>
  [
    csvRow(columns.map(({ key }) => key)),
    ...rows.map((row) => csvRow(columns.map(({ key }) => shown(row[key])))),
  ].join('');

const tableJson = ({ name, title, about, columns, rows }: Table): string =>
  `${JSON.stringify({ name, title, about, columns, rows }, null, 1)}\n`;

/** A page and its tables as files: each table as CSV and as JSON. */
export function filesOf(page: string, tables: readonly Table[]): Map<string, string> {
  const files = new Map<string, string>([['index.html', page]]);
  for (const table of tables) {
    files.set(`${table.name}.csv`, tableCsv(table));
    files.set(`${table.name}.json`, tableJson(table));
  }
  return files;
}
