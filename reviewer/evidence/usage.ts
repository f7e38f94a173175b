// Sharp edges of DuckDB, kept behind this file and held by test/reviewer/usage.test.ts: without `ignore_errors` a torn
// last line fails the whole query, with it a malformed line becomes a row of NULLs and says nothing, so such rows are
// looked for and their lines located here; types are guessed unless declared; extensions would be downloaded on
// first use unless forbidden; it takes most of the machine's memory unless told otherwise.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import type { InstanceSigns, Span } from './coverage.ts';
import { decisionFiles } from './findLogs.ts';
import { malformedLines } from './malformedLines.ts';

/** How often a grant justified an operation on one UTC day; instants in seconds since 1970, to the millisecond. */
export type DayOfUse = {
  grant: string;
  operation: string;
  /** Days since 1970. */
  day: number;
  count: number;
  first: number;
  last: number;
};

export type Usage = {
  /** Uses up to the instant asked for: allowed and not limited (429); sorted by grant, operation and day. */
  uses: readonly DayOfUse[];
  /** What the log shows of each instance up to then, sorted by name. */
  instances: readonly InstanceSigns[];
  /** Decision records since `since`. */
  records: number;
  files: number;
  /** Last lines that a crash cut short; their requests were never forwarded. */
  torn: number;
};

type Options = {
  /** Folders, files and globs of decision logs. */
  sources: readonly string[];
  /** Seconds since 1970; what came later is left out. */
  asOf: number;
  /** Seconds since 1970: where counting `records` begins. */
  since: number;
  memory?: string;
  signal?: AbortSignal | undefined;
};

const columns = `{
  timestamp: 'VARCHAR', heartbeat: 'BOOLEAN', stopped: 'BOOLEAN', event: 'VARCHAR', instance: 'VARCHAR', seq: 'BIGINT', decision_id: 'VARCHAR',
  status: 'INTEGER', input: 'STRUCT(operation VARCHAR)', result: 'STRUCT(allow BOOLEAN, grants VARCHAR[])'
}`;
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/**
 * One pass over the files; a row that is no record and no heartbeat keeps its file's name in `bad`. Events, such as a
 * stream that was closed, have a number among the records, and are neither decisions nor use.
 */
const load = (files: readonly string[], asOf: number) => `
CREATE TABLE sign AS
WITH line AS (
  SELECT *, coalesce(heartbeat, stopped, false) AS hb, epoch_ms(TRY_CAST(timestamp AS TIMESTAMP)) AS ms
  FROM read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns},
                 ignore_errors = true, filename = true)
), judged AS (
  SELECT *, ms IS NULL OR coalesce(instance, '') = '' OR seq IS NULL OR seq < 0 OR (NOT hb AND (
      decision_id IS NULL OR (event IS NULL AND result.allow IS NULL)
      OR (result.allow AND (input.operation IS NULL OR result.grants IS NULL)))) AS wrong,
    NOT hb AND event IS NULL AND result.allow AND status IS DISTINCT FROM 429 AS used
  FROM line
)
SELECT instance, seq, ms, hb,
  CASE WHEN used THEN input.operation END AS operation,
  CASE WHEN used THEN list_distinct(result.grants) END AS grants,
  CASE WHEN NOT hb AND event IS NULL THEN decision_id END AS decision,
  CASE WHEN wrong THEN filename END AS bad
FROM judged
WHERE wrong OR ms <= ${Math.floor(asOf * 1000)}`;

/** The decisions, each once, also when a copy of a file was given as well. */
const records = (copies: boolean) =>
  copies
    ? '(SELECT DISTINCT ON (decision) * FROM sign WHERE decision IS NOT NULL)'
    : '(SELECT * FROM sign WHERE decision IS NOT NULL)';

const usesOf = (copies: boolean) => `
SELECT "grant", operation, ms // 86400000 AS day, count(*) AS count, min(ms) AS first, max(ms) AS last
FROM (SELECT unnest(grants) AS "grant", operation, ms FROM ${records(copies)} WHERE grants IS NOT NULL)
GROUP BY ALL ORDER BY ALL`;

const livesOf = `
SELECT instance, min(ms) // 60000 AS first, max(ms) // 60000 AS last,
  count(*) FILTER (WHERE NOT hb) > count(DISTINCT seq) FILTER (WHERE NOT hb) AS copies
FROM sign GROUP BY instance ORDER BY instance`;

const beatsOf = `
WITH minute AS (SELECT DISTINCT instance, ms // 60000 AS minute FROM sign WHERE hb),
run AS (SELECT *, minute - row_number() OVER (PARTITION BY instance ORDER BY minute) AS run FROM minute)
SELECT instance, min(minute) AS "from", max(minute) + 1 AS "to" FROM run GROUP BY instance, run ORDER BY ALL`;

/** Ordered by seq, not by time: decisions of one turn may be written in another order than they were stamped. */
const gapsOf = `
WITH step AS (
  SELECT instance, seq, ms, hb, lag(seq) OVER w AS seq_before, lag(ms) OVER w AS ms_before
  FROM sign WINDOW w AS (PARTITION BY instance ORDER BY seq, hb)
)
SELECT DISTINCT instance, least(ms, ms_before) // 60000 AS "from", greatest(ms, ms_before) // 60000 + 1 AS "to"
FROM step WHERE seq - seq_before > CASE WHEN hb THEN 0 ELSE 1 END ORDER BY ALL`;

/**
 * Reads decision records up to an instant. A line that is no record is refused with its file and number, except a torn
 * last line, which is counted. Throws ReviewError `decisions-malformed`, `decisions-unreadable`, `aborted`.
 */
export async function readUsage(options: Options): Promise<Usage> {
  const { sources, asOf, since, memory = '1GB', signal } = options;
  stopIfAborted(signal);
  const files = await decisionFiles(sources);
  if (files.length === 0) return { uses: [], instances: [], records: 0, files: 0, torn: 0 };
  const scratch = await mkdtemp(join(tmpdir(), 'grantgate-usage-'));
  const database = await DuckDBInstance.create(':memory:', {
    memory_limit: memory,
    temp_directory: scratch,
    threads: '2',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await database.connect();
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    await connection.run(load(files, asOf));
    const { torn, first } = await malformedLines(await badFiles(connection));
    if (first !== null)
      throw new ReviewError('decisions-malformed', `${first}: must be a decision record or a heartbeat`);
    const lives = await read(connection, livesOf);
    const beats = spansByInstance(await read(connection, beatsOf));
    const gaps = spansByInstance(await read(connection, gapsOf));
    const copies = lives.some(({ copies }) => copies === true);
    const counted = `SELECT count(*) AS records FROM ${records(copies)} WHERE ms >= ${Math.floor(since * 1000)}`;
    return {
      uses: (await read(connection, usesOf(copies))).map((row) => ({
        grant: String(row.grant),
        operation: String(row.operation),
        day: Number(row.day),
        count: Number(row.count),
        first: Number(row.first) / 1000,
        last: Number(row.last) / 1000,
      })),
      instances: lives.map(({ instance, first, last }) => ({
        instance: String(instance),
        first: Number(first),
        last: Number(last),
        beats: beats.get(String(instance)) ?? [],
        gaps: gaps.get(String(instance)) ?? [],
      })),
      records: Number((await read(connection, counted))[0]?.records ?? 0),
      files: files.length,
      torn,
    };
  } catch (error) {
    stopIfAborted(signal);
    if (error instanceof ReviewError) throw error;
    throw new ReviewError('decisions-unreadable', `the decision logs cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
    database.closeSync();
    await rm(scratch, { recursive: true, force: true });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

type Row = Record<string, unknown>;

async function read(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects();
}

async function badFiles(connection: DuckDBConnection): Promise<string[]> {
  const rows = await read(connection, 'SELECT DISTINCT bad FROM sign WHERE bad IS NOT NULL ORDER BY bad');
  if (rows.length > 0) await connection.run('DELETE FROM sign WHERE bad IS NOT NULL');
  return rows.map(({ bad }) => String(bad));
}

function spansByInstance(rows: readonly Row[]): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  for (const { instance, from, to } of rows) {
    const span = { from: Number(from), to: Number(to) };
    const known = spans.get(String(instance));
    if (known) known.push(span);
    else spans.set(String(instance), [span]);
  }
  return spans;
}
