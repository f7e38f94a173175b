import type { Column } from '../table.ts';

const capitals: Readonly<Record<string, string>> = { api: 'API', url: 'Address' };

/** Columns by their keys, blanks between; `pull_request` stands as "Pull request". */
export const columnsOf = (...keys: readonly string[]): Column[] =>
  keys
    .join(' ')
    .split(' ')
    .map((key) => {
      const words = key.replaceAll('_', ' ');
      return { key, label: capitals[key] ?? `${words.slice(0, 1).toUpperCase()}${words.slice(1)}` };
    });
