import type { DuckDBConnection } from '@duckdb/node-api';
import { isTooLong, quoted, reasonOf } from './database.ts';

const columnsOf = (whole: boolean) => `{
  timestamp: 'VARCHAR', heartbeat: 'BOOLEAN', stopped: 'BOOLEAN', event: 'VARCHAR', instance: 'VARCHAR', seq: 'BIGINT',
  decision_id: 'VARCHAR', status: 'INTEGER', input: 'STRUCT(operation VARCHAR${whole ? ', subject VARCHAR, api VARCHAR, method VARCHAR, path VARCHAR' : ''})',
  result: 'STRUCT(allow BOOLEAN, grants VARCHAR[]${whole ? ', reason VARCHAR' : ''})',
  bundles: 'STRUCT(grantgate STRUCT(revision VARCHAR))'
}`;

/** What is kept of each decision where single ones are looked for (`whole`), beside what counting needs. */
const wholeColumns = `, decision_id VARCHAR, subject VARCHAR, api VARCHAR, operation_asked VARCHAR, call VARCHAR,
  allow BOOLEAN, limited BOOLEAN, reason VARCHAR, refused VARCHAR[]`;

/** One row a line; `dup` tells two lines of one number apart. */
const tableOf = (
  whole: boolean,
) => `CREATE TABLE sign (instance VARCHAR, seq BIGINT, ms BIGINT, hb BOOLEAN, stopped BOOLEAN, taken BOOLEAN,
  record BOOLEAN, operation VARCHAR, grants VARCHAR[], dup UBIGINT, revision VARCHAR, bad VARCHAR, late BIGINT${whole ? wholeColumns : ''})`;

/** Instants in ms since 1970; `whole`: with all that is told of decisions. */
type Loading = { asOfMs: number; nowMs: number; whole: boolean };

/**
 * One pass over the files; a row that is no record and no heartbeat keeps its file's name in `bad`. Events, such as a
 * stream that was closed, have a number among the records, and are neither decisions nor use. What a clock that is ahead
 * stamped after `now` was written by now: it counts as of the instant, and `late` keeps the stamp.
 */
const rowsOf = (files: readonly string[], { asOfMs, nowMs, whole }: Loading) => `
INSERT INTO sign
WITH line AS (
  SELECT *, coalesce(heartbeat, false) AS hb, coalesce(stopped, false) AS st,
    CASE WHEN regexp_matches(timestamp, '(Z|[+-][0-9]{2}:[0-9]{2})$')
      THEN epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) END AS ms
  FROM read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columnsOf(whole)},
                 ignore_errors = true, filename = true)
), judged AS (
  SELECT *, ms IS NULL OR coalesce(instance, '') = '' OR seq IS NULL OR seq NOT BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER} OR (NOT hb AND NOT st
      AND event IS NULL AND (decision_id IS NULL OR result.allow IS NULL
      OR (result.allow AND (input.operation IS NULL OR result.grants IS NULL)))) AS wrong,
    NOT hb AND NOT st AS taken
  FROM line
), used AS (
  SELECT *, taken AND event IS NULL AS record,
    taken AND event IS NULL AND coalesce(result.allow, false) AND status IS DISTINCT FROM 429 AS used
  FROM judged
)
SELECT instance, seq, CASE WHEN ms > ${nowMs} THEN ${asOfMs} ELSE ms END, hb, st, taken, record,
  CASE WHEN used THEN input.operation END,
  CASE WHEN used THEN list_distinct(result.grants) END,
  CASE WHEN taken THEN hash(decision_id, event) END,
  CASE WHEN record THEN bundles.grantgate.revision END,
  CASE WHEN wrong THEN filename END,
  CASE WHEN ms > ${nowMs} THEN ms END${
    whole
      ? `,
  CASE WHEN record THEN decision_id END, CASE WHEN record THEN input.subject END, CASE WHEN record THEN input.api END,
  CASE WHEN record THEN input.operation END, CASE WHEN record THEN concat_ws(' ', input.method, input.path) END,
  CASE WHEN record THEN result.allow END, CASE WHEN record THEN coalesce(status, 0) = 429 END, CASE WHEN record THEN result.reason END,
  CASE WHEN record AND NOT used AND len(result.grants) > 0 THEN result.grants END`
      : ''
  }
FROM used
WHERE wrong OR ms <= ${asOfMs} OR ms > ${nowMs}`;

/**
 * Makes `sign` of the files and returns those that cannot be read to their end. All at once, as is fast; when one cannot
 * be read, one after the other, to tell which.
 */
export async function loadAll(connection: DuckDBConnection, files: readonly string[], loading: Loading) {
  await connection.run(tableOf(loading.whole));
  if (files.length === 0) return [];
  const read = (some: readonly string[]) => connection.run(rowsOf(some, loading));
  try {
    await read(files);
    return [];
  } catch (error) {
    const alone = files.length === 1 && !compressed(files[0] ?? '') && !isTooLong(error);
    // Who ends the reading does not want it file by file.
    if (alone || reasonOf(error) === null) throw error;
  }
  const unreadable: { file: string; reason: string }[] = [];
  for (const file of files) {
    try {
      await read([file]);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      unreadable.push({ file, reason });
    }
  }
  return unreadable;
}

const compressed = (file: string) => /\.(gz|zst)$/.test(file);

/** The decisions, each once, also when a copy of a file was given as well. */
export const recordTable = (copies: boolean): string =>
  copies
    ? `CREATE TEMP TABLE record AS SELECT DISTINCT ON (instance, seq, dup) instance, ms, operation, grants FROM sign WHERE record`
    : `CREATE TEMP VIEW record AS SELECT instance, ms, operation, grants FROM sign WHERE record`;

/** The last minute of each clock that is ahead. */
export const latestOf =
  'SELECT instance, max(late) // 60000 AS minute FROM sign WHERE late IS NOT NULL GROUP BY instance ORDER BY instance';

/** When each instance first decided by each revision. */
export const revisionsOf = `SELECT instance, revision, min(ms) AS ms FROM sign WHERE revision IS NOT NULL GROUP BY ALL ORDER BY ALL`;

/** In the order of grants, so that what is asked of few is found without reading all. */
export const dailyTable =
  'CREATE TABLE IF NOT EXISTS daily AS SELECT "grant", day, sum(count)::BIGINT AS count, min(first) AS first, max(last) AS last FROM use GROUP BY 1, 2 ORDER BY 1, 2';

/**
 * Each decision with all that is told of it. `once`: lines may have been given twice, or will not all stay, so that it is
 * a table of its own.
 */
export const decisionTable = (once: boolean): string => `CREATE ${once ? 'TABLE' : 'VIEW'} decision AS
SELECT ${once ? 'DISTINCT ON (instance, seq, dup)' : ''} ms, decision_id, instance, subject, api, operation_asked AS operation, call,
  allow, limited, reason, coalesce(grants, refused) AS grants, refused, revision FROM sign WHERE record`;

/**
 * Where decisions of a caller, or by a grant, are to be looked for: the days with some, how many, and from when to when.
 * What a grant was used for is in `daily`; here is what it justified besides, such as requests over their rate.
 */
export const whereTables: readonly string[] = [
  dailyTable,
  `CREATE TABLE of_subject AS SELECT subject AS name, count(*)::BIGINT AS count, min(ms) AS first, max(ms) AS last
FROM decision GROUP BY subject, ms // 86400000 ORDER BY name, first`,
  `CREATE TABLE of_refused AS SELECT name, count(*)::BIGINT AS count, min(ms) AS first, max(ms) AS last
FROM (SELECT unnest(refused) AS name, ms FROM decision WHERE refused IS NOT NULL) GROUP BY name, ms // 86400000 ORDER BY name, first`,
];

/** Uses by day, in the order of grants, so that those of some are found without reading all; grants used together. */
export const useTables: readonly string[] = [
  `CREATE TABLE use AS
SELECT "grant", operation, ms // 86400000 AS day, count(*) AS count, min(ms) AS first, max(ms) AS last
FROM (SELECT unnest(grants) AS "grant", operation, ms FROM record WHERE grants IS NOT NULL) GROUP BY ALL ORDER BY "grant"`,
  `CREATE TABLE pair AS
SELECT "grant", other, operation, day, count(*) AS count FROM (
  SELECT "grant", unnest(grants) AS other, operation, day FROM (
    SELECT unnest(grants) AS "grant", grants, operation, ms // 86400000 AS day FROM record WHERE len(grants) > 1))
WHERE other <> "grant" GROUP BY ALL`,
];

const bucket = 1024;

/** `next`: the first number that the log shows; everything before it is missing. */
export const livesOf = `
WITH full_bucket AS (
  SELECT instance, count(*) > bit_count(bitstring_agg((seq % ${bucket})::INTEGER, 0, ${bucket - 1})) AS more
  FROM sign WHERE taken GROUP BY instance, seq // ${bucket}
), copied AS (SELECT instance, bool_or(more) AS copies FROM full_bucket GROUP BY instance)
SELECT instance, min(ms) // 60000 AS first, max(ms) // 60000 AS last,
  min(CASE WHEN taken THEN seq ELSE seq + 1 END) AS next, coalesce(any_value(copies), false) AS copies
FROM sign LEFT JOIN copied USING (instance) GROUP BY instance ORDER BY instance`;

/** Numbers that were given to two decisions, and the time in which that happened. */
export const repeatsOf = `
WITH more AS (
  SELECT instance, seq // ${bucket} AS b FROM sign WHERE taken GROUP BY instance, b
  HAVING count(*) > bit_count(bitstring_agg((seq % ${bucket})::INTEGER, 0, ${bucket - 1}))
), twice AS (
  SELECT instance, seq, min(ms) AS first, max(ms) AS last
  FROM sign SEMI JOIN more ON sign.instance = more.instance AND seq // ${bucket} = b
  WHERE taken GROUP BY instance, seq HAVING count(DISTINCT dup) > 1
)
SELECT instance, count(*) AS numbers, min(first) // 60000 AS "from", max(last) // 60000 + 1 AS "to"
FROM twice GROUP BY instance ORDER BY instance`;

/**
 * Runs of minutes, by kind: `seen` with any sign, `beat` with a heartbeat or an end, `end` with an orderly end that
 * nothing followed. Within a run the minute and its place among those of its kind grow alike.
 */
export const minutesOf = `
WITH minute AS (
  SELECT instance, ms // 60000 AS minute, bool_or(hb OR stopped) AS beat,
    coalesce(max(ms) FILTER (WHERE stopped) >= max(ms), false) AS ends
  FROM sign GROUP BY instance, minute
), run AS MATERIALIZED (
  SELECT *, minute - row_number() OVER w AS seen_run, minute - row_number() OVER (PARTITION BY instance, beat ORDER BY minute) AS beat_run
  FROM minute WINDOW w AS (PARTITION BY instance ORDER BY minute)
)
SELECT 'seen' AS kind, instance, min(minute) AS "from", max(minute) + 1 AS "to" FROM run GROUP BY instance, seen_run
UNION ALL
SELECT 'beat', instance, min(minute), max(minute) + 1 FROM run WHERE beat GROUP BY instance, beat_run
UNION ALL
SELECT 'end', instance, minute, minute + 1 FROM run WHERE ends
ORDER BY ALL`;

/** Heartbeats between the numbers of a run of a roll-up say nothing new. */
const inRun = 'ANTI JOIN run ON sign.instance = run.instance AND NOT taken AND seq >= low AND seq < high';
/** A run is its first and its last number; one without numbers is a heartbeat. */
const runSigns = `
  UNION ALL SELECT instance, low, ms_low, false, false FROM run WHERE high >= low
  UNION ALL SELECT instance, high, ms_high, false, true FROM run WHERE high >= low
  UNION ALL SELECT instance, high, unnest([ms_low, ms_high]), true, false FROM run WHERE high < low`;

/**
 * Where numbers are missing: from the sign before to the sign after. Ordered by number, not by time: decisions of one
 * turn may be written in another order than they were stamped. Of heartbeats with one number the latest comes last: a gap
 * after a quiet day is none of that day. Runs of numbers that are there whole count as two signs, their first and their
 * last, so that few rows are sorted.
 */
export const gapsOf = (rolled: boolean) => `
WITH whole AS (
  SELECT instance, seq // ${bucket} AS b, min(seq) AS low, max(seq) AS high, arg_min(ms, seq) AS ms_low, arg_max(ms, seq) AS ms_high
  FROM sign WHERE taken GROUP BY instance, b
  HAVING bit_count(bitstring_agg((seq % ${bucket})::INTEGER, 0, ${bucket - 1})) = max(seq) - min(seq) + 1
), part AS (
  SELECT instance, low AS seq, ms_low AS ms, false AS hb, false AS bridge FROM whole
  UNION ALL SELECT instance, high, ms_high, false, true FROM whole
  UNION ALL SELECT instance, seq, ms, false, false
    FROM sign ANTI JOIN whole ON sign.instance = whole.instance AND seq // ${bucket} = b WHERE taken
  UNION ALL SELECT instance, seq, ms, true, false FROM sign ${rolled ? inRun : ''} WHERE NOT taken${rolled ? runSigns : ''}
), step AS (
  SELECT instance, seq, ms, hb, bridge, lag(seq) OVER w AS seq_before, lag(ms) OVER w AS ms_before
  FROM part ANTI JOIN whole ON part.instance = whole.instance AND part.seq // ${bucket} = b AND hb AND part.seq >= low AND part.seq < high
  WINDOW w AS (PARTITION BY instance ORDER BY seq, hb, bridge, ms)
)
SELECT DISTINCT instance, least(ms, ms_before) // 60000 AS "from", greatest(ms, ms_before) // 60000 + 1 AS "to"
FROM step WHERE NOT bridge AND seq - seq_before > CASE WHEN hb THEN 0 ELSE 1 END ORDER BY ALL`;

/** Where the clock went back as the numbers went on, from one run of numbers or heartbeat to the next. */
export const skewsOf = (rolled: boolean) => `
WITH full_bucket AS (
  SELECT instance, min(seq) AS low, max(seq) AS high, arg_min(ms, seq) AS ms_low, arg_max(ms, seq) AS ms_high
  FROM sign WHERE taken GROUP BY instance, seq // ${bucket}
), point AS (
  SELECT instance, seq, ms FROM sign WHERE NOT taken
  UNION ALL SELECT instance, unnest([low, high]), unnest([ms_low, ms_high]) FROM full_bucket
  ${rolled ? 'UNION ALL SELECT instance, unnest([least(low, high), high]), unnest([ms_low, ms_high]) FROM run' : ''}
), step AS (
  SELECT instance, lag(ms) OVER (PARTITION BY instance ORDER BY seq, ms) - ms AS back FROM point
)
SELECT instance, max(back) // 60000 AS minutes FROM step WHERE back > 90000 GROUP BY instance ORDER BY instance`;

/**
 * When those in `wanted` (name, "grant") last came by a token that was let in, which names its groups itself. Roll-ups
 * tell of no tokens: there any use of what is held counts, of days that no record tells of.
 */
export const broughtOf = (
  files: readonly string[],
  { asOfMs, rolled }: { asOfMs: number; rolled: boolean },
): string => `
WITH told AS (
  SELECT unnest(list_append(TRY_CAST(json_extract(input, '$.groups') AS VARCHAR[]), json_extract_string(input, '$.subject'))) AS name,
    epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms
  FROM ${
    files.length === 0
      ? "(SELECT NULL::JSON AS input, NULL::VARCHAR AS timestamp, NULL::VARCHAR AS decision_id, NULL::VARCHAR AS event, NULL::INTEGER AS status, {'allow': false} AS result LIMIT 0)"
      : `read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', ignore_errors = true,
    columns = { timestamp: 'VARCHAR', decision_id: 'VARCHAR', event: 'VARCHAR', status: 'INTEGER', input: 'JSON', result: 'STRUCT(allow BOOLEAN)' })`
  }
  WHERE decision_id IS NOT NULL AND event IS NULL AND result.allow AND status IS DISTINCT FROM 429
    AND json_extract_string(input, '$.groups_from') = 'token'
)
SELECT name, max(ms)::DOUBLE AS ms FROM (
  SELECT name, ms FROM told SEMI JOIN wanted USING (name)
  ${rolled ? 'UNION ALL SELECT name, last AS ms FROM rolled JOIN roll USING (instance, d) JOIN wanted USING ("grant") WHERE counts OR NOT whole' : ''}
) WHERE ms <= ${asOfMs} GROUP BY name`;
