import { dayOf, daySeconds } from '../../bundle/format/times.ts';
import { inDatabase, passOver, quoted } from '../evidence/database.ts';
import { findLogs } from '../evidence/findLogs.ts';

/** Denials of one caller for one operation; instants in seconds since 1970. */
export type Denials = {
  subject: string;
  /** The groups of the caller's token; null where the directory's counted. */
  groups: readonly string[] | null;
  api: string;
  operation: string;
  reason: string;
  /** Grants by which the revision before would have allowed it. */
  regressed: readonly string[];
  count: number;
  first: number;
  last: number;
};

const columns = `{ timestamp: 'VARCHAR', event: 'VARCHAR', decision_id: 'VARCHAR',
  input: 'STRUCT(subject VARCHAR, "groups" VARCHAR[], api VARCHAR, operation VARCHAR)',
  result: 'STRUCT(allow BOOLEAN, reason VARCHAR)', regressed: 'STRUCT(grants VARCHAR[])' }`;
/** The day in a file's name, where it has one: what is older need not be opened. */
const isBefore = (file: string, day: string) => (/(\d{4}-\d{2}-\d{2})[^/]*$/.exec(file)?.[1] ?? day) < day;

const table = `CREATE TABLE denied (decision_id VARCHAR, ms BIGINT, subject VARCHAR, "groups" VARCHAR, api VARCHAR,
  operation VARCHAR, reason VARCHAR, regressed VARCHAR)`;

const rows = (
  file: string,
  { since, asOf, apis }: { since: number; asOf: number; apis: readonly string[] },
) => `
INSERT INTO denied
SELECT decision_id, epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms, input.subject,
  array_to_string(list_sort(input."groups"), chr(10)), input.api, input.operation, coalesce(result.reason, ''),
  array_to_string(regressed.grants, chr(10))
FROM read_json(${quoted(file)}, format = 'newline_delimited', columns = ${columns}, ignore_errors = true)
WHERE decision_id IS NOT NULL AND event IS NULL AND result.allow = false AND input.subject IS NOT NULL
  AND input.operation IS NOT NULL AND input.api IN (${apis.map(quoted).join(',')})
  AND ms BETWEEN ${Math.floor(since * 1000)} AND ${Math.floor(asOf * 1000)}`;

const listOf = (joined: unknown) =>
  String(joined)
    .split('\n')
    .filter((name) => name !== '');

/**
 * Counts denials from `since` to `asOf` (seconds since 1970) by caller, operation and reason, each decision once, of
 * `apis` only. What cannot be read counts for nothing; `readUsage` tells of it. Throws ReviewError `decisions-unreadable`.
 */
export async function readDenials(
  sources: readonly string[],
  {
    since,
    asOf,
    apis,
    signal,
  }: { since: number; asOf: number; apis: readonly string[]; signal?: AbortSignal },
): Promise<Denials[]> {
  const day = dayOf(since - daySeconds);
  const files = (await findLogs(sources)).filter((file) => !isBefore(file, day));
  if (files.length === 0 || apis.length === 0) return [];
  return inDatabase('700MB', { files, signal }, async (database) => {
    await database.connection.run(table);
    // One that cannot be unpacked fails a query for all, so each is asked alone.
    for (const file of files)
      await database.connection.run(rows(file, { since, asOf, apis })).catch(passOver);
    const found = await database.read(`
SELECT subject, "groups", api, operation, reason, regressed, count(*) AS count, min(ms) AS first, max(ms) AS last
FROM (SELECT DISTINCT ON (decision_id) * FROM denied)
GROUP BY ALL ORDER BY api, operation, subject, reason, first`);
    return found.map((row) => ({
      subject: String(row.subject),
      groups: row.groups === null ? null : listOf(row.groups),
      api: String(row.api),
      operation: String(row.operation),
      reason: String(row.reason),
      regressed: row.regressed === null ? [] : listOf(row.regressed),
      count: Number(row.count),
      first: Number(row.first) / 1000,
      last: Number(row.last) / 1000,
    }));
  });
}
