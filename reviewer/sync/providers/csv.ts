import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { counted } from '../../../bundle/format/counted.ts';
import { fold } from '../../../bundle/grants/names.ts';
import type { ProviderPerson, ReadProvider } from './directory.ts';
import type { ProviderConfigOf } from './syncConfig.ts';
import { SyncError } from './syncError.ts';

const statuses = ['active', 'suspended', 'deprovisioned'] as const;
const isStatus = (text: string): text is ProviderPerson['status'] =>
  (statuses as readonly string[]).includes(text);

type Files = Pick<ProviderConfigOf<'csv'>, 'people_file' | 'groups_file'>;

/** Reads a directory from files that somebody exported; `folder` is what their paths are relative to. */
export function readCsv(
  { people_file: peopleFile, groups_file: groupsFile }: Files,
  folder: string,
): ReadProvider {
  return async () => {
    const people = (await rowsOf(resolve(folder, peopleFile), ['login', 'id'])).map((row, index) => {
      const { login = '', id = '', status = '', manager = '', last_sign_in: lastSignIn = '' } = row;
      const at = `${peopleFile}, row ${index + 2}`;
      // Whoever has neither is nobody that could be told of; whoever lacks one is told of, and keeps nobody else out.
      if (login === '' && id === '')
        throw new SyncError('sync-answer', `${at}: login and id must not both be empty`);
      const state = status === '' ? 'active' : status.toLowerCase();
      if (!isStatus(state))
        throw new SyncError(
          'sync-answer',
          `${at}: status must be ${statuses.join(', ')} or empty, got "${status}"`,
        );
      if (lastSignIn !== '' && Number.isNaN(Date.parse(lastSignIn)))
        throw new SyncError(
          'sync-answer',
          `${at}: last_sign_in must be an instant like 2026-03-01T09:00:00Z or empty, got ${JSON.stringify(lastSignIn)}`,
        );
      return { id, login, status: state, manager: manager || null, lastSignIn: lastSignIn || null };
    });
    const rowOf = new Map(people.map(({ id }, index) => [id, index]));
    const twice = people.find(({ id }, index) => id !== '' && rowOf.get(id) !== index);
    if (twice !== undefined)
      throw new SyncError(
        'sync-answer',
        `${peopleFile}: two people have the id ${JSON.stringify(twice.id)}; it must be one's own for ever`,
      );
    const rows =
      groupsFile === undefined ? [] : await rowsOf(resolve(folder, groupsFile), ['group', 'member']);
    const nameless = rows.filter(({ member = '' }) => member === '').length;
    const byGroup = Map.groupBy(rows, ({ group = '' }) => group);
    const ids = new Map(people.map(({ login, id }) => [fold(login), id]));
    return {
      people,
      groups: [...byGroup].map(([name, its]) => {
        const members = its.map(({ member = '' }) => member).filter((member) => member !== '');
        const inner = members
          .filter((one) => one.startsWith('group:'))
          .map((one) => one.slice('group:'.length));
        const logins = members.filter((one) => !one.startsWith('group:'));
        const unknown = logins.find((one) => !ids.has(fold(one.replace(/^user:/, ''))));
        if (unknown !== undefined)
          throw new SyncError(
            'sync-answer',
            `${groupsFile}: ${JSON.stringify(unknown)} of ${JSON.stringify(name)} is not in ${peopleFile}`,
          );
        return {
          id: name,
          name,
          people: logins.map((one) => ids.get(fold(one.replace(/^user:/, ''))) ?? ''),
          groups: inner,
        };
      }),
      notes:
        nameless === 0
          ? []
          : [`${counted(nameless, 'row')} of ${groupsFile} ${nameless === 1 ? 'names' : 'name'} no member`],
    };
  };
}

async function rowsOf(path: string, columns: readonly string[]): Promise<Record<string, string>[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new SyncError('sync-not-found', `${path} cannot be read`, { cause });
  }
  try {
    const rows = parse(bytes, { columns: true, bom: true, trim: true, skip_empty_lines: true }) as Record<
      string,
      string
    >[];
    const [first] = rows;
    const lacking = columns.find((column) => first !== undefined && first[column] === undefined);
    if (first === undefined || lacking !== undefined)
      throw new SyncError(
        'sync-answer',
        `${path}: ${first === undefined ? 'no rows' : `no column "${lacking}"`}`,
      );
    return rows;
  } catch (cause) {
    if (cause instanceof SyncError) throw cause;
    // The library's message quotes the row.
    const line = cause instanceof Error && 'lines' in cause ? ` at line ${String(cause.lines)}` : '';
    throw new SyncError('sync-answer', `${path}: not CSV${line}`, { cause });
  }
}
