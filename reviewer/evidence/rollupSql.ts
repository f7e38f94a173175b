import { dayMs } from '../../bundle/format/times.ts';
import { quoted } from './database.ts';

const columns = `{
  day: 'VARCHAR', instance: 'VARCHAR',
  coverage: 'STRUCT(records BIGINT, runs BIGINT[][], beats BIGINT[][], seen BIGINT[][], ends BIGINT[], lines BIGINT, uses BIGINT, cut BOOLEAN)',
  "grant": 'VARCHAR', operation: 'VARCHAR', api: 'VARCHAR', count: 'BIGINT', first: 'VARCHAR', last: 'VARCHAR',
  busiest: 'BIGINT', mfa: 'BIGINT', together: 'VARCHAR[]', denied: 'VARCHAR'
}`;
const instant = (name: string) =>
  `CASE WHEN regexp_matches(${name}, '(Z|[+-][0-9]{2}:[0-9]{2})$') THEN epoch_ms(TRY_CAST(${name} AS TIMESTAMPTZ)) END`;

/** In ms since 1970. */
export type Instants = { asOfMs: number; nowMs: number };
/** One row a line; `d`: days since 1970, `kind` null for a line that is none. */
const table = `CREATE TABLE told (instance VARCHAR, d BIGINT, kind VARCHAR,
  c STRUCT(records BIGINT, runs BIGINT[][], beats BIGINT[][], seen BIGINT[][], ends BIGINT[], lines BIGINT, uses BIGINT, cut BOOLEAN),
  "grant" VARCHAR, operation VARCHAR, api VARCHAR, count BIGINT, first BIGINT, last BIGINT, busiest BIGINT, mfa BIGINT,
  together VARCHAR[], denied VARCHAR, file VARCHAR, late BIGINT)`;

/** More than a gateway can be asked on one day: sums of such numbers would not be any. */
const mostADay = 1e12;
const minutes = 'flatten(list_concat(coverage.beats, coverage.seen))';
/** Numbers that no gateway counts to, and minutes of days that are no neighbours. */
const outside = `list_max(flatten(coverage.runs)) > ${Number.MAX_SAFE_INTEGER}
        OR len(list_filter(coverage.runs, r -> least(r[1], r[2]) < 0 OR r[3] < -1440 OR greatest(r[3], r[4]) > 1440)) > 0
        OR list_min(${minutes}) < -1440 OR list_max(${minutes}) > 2880 OR list_min(coverage.ends) < -1440 OR list_max(coverage.ends) > 2880`;
/**
 * What a head says of minutes of its own day: it vouches for no others. What is decided right before midnight is written
 * after it, into the next day's file, and so is what comes when the clock is set back.
 */
const ofDay = (spans: string) => `list_transform(
        list_filter(${spans}, s -> NOT coalesce(len(s) = 2 AND s[1] <= s[2] AND (s[2] <= 0 OR s[1] >= 1440), false)),
        s -> CASE WHEN len(s) = 2 THEN [greatest(s[1], 0), least(s[2], 1440)] ELSE s END)`;
const head = `CASE WHEN coverage IS NOT NULL THEN struct_pack(records := coverage.records, runs := coverage.runs,
        beats := ${ofDay('coverage.beats')}, seen := ${ofDay('coverage.seen')},
        ends := list_filter(coverage.ends, e -> e BETWEEN 0 AND 1439),
        lines := coverage.lines, uses := coverage.uses, cut := coverage.cut) END`;

const latest = 'greatest(l // 60000, d * 1440 + list_max(flatten(coverage.seen)) - 1)';
const by = (name: string, { asOfMs, nowMs }: Instants) =>
  `CASE WHEN ${name} > ${nowMs} THEN ${asOfMs} ELSE ${name} END`;

/** What a clock that is ahead stamped after `now` counts as of the instant; `late` is the minute of the stamp. */
const rows = (files: readonly string[], at: Instants) => `
INSERT INTO told
WITH line AS (
  SELECT *, epoch_ms(TRY_CAST(day AS DATE)) // ${dayMs} AS d, ${instant('first')} AS f, ${instant('last')} AS l
  FROM read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns},
                 ignore_errors = true, filename = true)
), judged AS (
  SELECT *, CASE WHEN d IS NULL OR coalesce(instance, '') = '' THEN NULL
      WHEN coverage IS NOT NULL THEN CASE WHEN coalesce(${outside}, false) THEN NULL ELSE 'head' END
      WHEN count IS NULL OR count < 1 OR greatest(count, busiest, mfa) > ${mostADay} OR operation IS NULL THEN NULL
      WHEN "grant" IS NOT NULL THEN CASE WHEN f <= l THEN 'use' END
      WHEN together IS NOT NULL THEN CASE WHEN len(together) > 1 THEN 'together' END
      WHEN denied IS NOT NULL AND f <= l THEN 'denied' END AS kind
  FROM line
)
SELECT instance, d, kind, ${head}, "grant", operation, api, count, ${by('f', at)}, ${by('l', at)}, busiest, mfa, together, denied, filename,
  CASE WHEN ${latest} > ${Math.floor(at.nowMs / 60_000)} THEN ${latest} END
FROM judged WHERE kind IS NULL OR d <= ${Math.floor(at.asOfMs / dayMs)} OR d > ${Math.floor(at.nowMs / dayMs)}`;

export const loadRollups = { table, rows };

/** Files in which no line is one of a roll-up. */
export const foreignFiles = `
SELECT file FROM told GROUP BY file HAVING count(*) FILTER (WHERE kind IS NOT NULL) = 0 ORDER BY file`;

/** So much is in a list of spans; null where one is misshapen. */
const sizeOf = (list: string, extra: number, width: number) =>
  `CASE WHEN len(list_filter(${list}, s -> len(s) <> ${width} OR s[2] + ${extra} < s[1])) = 0 THEN coalesce(list_sum(list_transform(${list}, s -> s[2] - s[1] + ${extra})), 0) END`;

/**
 * One row for each instance and day in `roll`; of several copies the one that tells most. A day is `whole` when every
 * line that its head speaks of is there, in one copy or another, and the head could tell what it vouches for.
 */
export const rollTables = ({ asOfMs, nowMs }: Instants): string[] => {
  const low = '(d * 1440 + r[3]) * 60000';
  return [
    `CREATE TABLE rolled AS
SELECT instance, d, "grant", operation, any_value(api) AS api, max(count) AS count, min(first) AS first, max(last) AS last,
  max(busiest) AS busiest, max(mfa) AS mfa
FROM told WHERE kind = 'use' GROUP BY instance, d, "grant", operation`,
    `CREATE TABLE shared AS
SELECT instance, d, operation, together, max(count) AS count FROM told WHERE kind = 'together' GROUP BY ALL`,
    `CREATE TABLE refused AS
SELECT instance, d, denied AS reason, api, operation, max(count) AS count, min(first) AS first, max(last) AS last
FROM told WHERE kind = 'denied' GROUP BY ALL`,
    `CREATE TABLE roll AS
WITH best AS (
  SELECT instance, d, count(*) AS copies,
    arg_max(c, {n: coalesce(${sizeOf('c.runs', 1, 4)}, -1), b: coalesce(${sizeOf('c.beats', 0, 2)}, -1),
                l: coalesce(c.lines, -1), s: coalesce(${sizeOf('c.seen', 0, 2)}, -1)}) AS c
  FROM told WHERE kind = 'head' GROUP BY instance, d
), there AS (
  SELECT instance, d, count(*) AS lines, sum(count) AS uses, min(first) AS first, max(last) AS last FROM (
    SELECT instance, d, count, first, last FROM rolled UNION ALL SELECT instance, d, count, NULL, NULL FROM shared
    UNION ALL SELECT instance, d, count, first, last FROM refused) GROUP BY instance, d
)
SELECT instance, d, c, coalesce(copies, 0) AS copies, first AS began, last AS ended, coalesce(last > ${asOfMs}, false) AS beyond,
  CASE WHEN c IS NULL THEN 'its head is missing'
    WHEN c.cut THEN 'it was cut'
    WHEN c.runs IS NULL OR c.beats IS NULL OR c.seen IS NULL OR c.lines IS NULL OR c.uses IS NULL THEN 'an older version wrote it'
    WHEN ${sizeOf('c.runs', 1, 4)} IS NULL OR ${sizeOf('c.beats', 0, 2)} IS NULL OR ${sizeOf('c.seen', 0, 2)} IS NULL
      OR ${sizeOf('c.runs', 1, 4)} <> c.records THEN 'its head contradicts itself'
    WHEN c.lines <> coalesce(lines, 0) OR c.uses <> coalesce(uses, 0) THEN 'lines of it are missing' END AS fault,
  fault IS NULL AS whole, false AS counts
FROM best FULL JOIN there USING (instance, d)`,
    `CREATE TABLE run AS
SELECT instance, d, r[1] AS low, r[2] AS high, least(${low}, ${asOfMs}) AS ms_low, least((d * 1440 + r[4]) * 60000, ${asOfMs}) AS ms_high
FROM (SELECT instance, d, unnest(c.runs) AS r FROM roll WHERE whole) WHERE ${low} <= ${asOfMs} OR ${low} > ${nowMs}`,
    // What the records have whole is counted from them, any other day from its roll-up: each decision once.
    `CREATE TABLE held AS
WITH asked AS (SELECT * FROM run WHERE high >= low), bits AS (
  SELECT asked.instance, asked.d, asked.low, seq // 1024 AS b, bit_count(bitstring_agg((seq % 1024)::INTEGER, 0, 1023)) AS n
  FROM (SELECT instance, seq, ms FROM sign WHERE taken) AS sign ASOF JOIN asked ON sign.instance = asked.instance AND sign.seq >= asked.low
  WHERE seq <= asked.high AND ms BETWEEN asked.ms_low - 60000 AND asked.ms_high + 120000 GROUP BY ALL
)
SELECT instance, d, sum(n) AS n FROM bits GROUP BY ALL`,
    // Numbers that both have are of the same decisions, or two gateways share a name: then neither is the whole truth.
    `CREATE TABLE contrary AS
WITH asked AS (SELECT * FROM run WHERE high >= low), said AS (
  SELECT asked.instance, asked.d, "grant", operation, min(ms) AS began, max(ms) AS ended
  FROM (SELECT instance, seq, ms, operation, unnest(grants) AS "grant" FROM sign WHERE record AND grants IS NOT NULL) AS sign
    ASOF JOIN asked ON sign.instance = asked.instance AND sign.seq >= asked.low
  WHERE seq <= asked.high AND ms BETWEEN asked.ms_low - 60000 AND asked.ms_high + 120000 GROUP BY ALL
)
SELECT instance, d FROM said LEFT JOIN rolled USING (instance, d, "grant", operation)
WHERE rolled.count IS NULL OR began < rolled.first - 1000 OR ended > rolled.last + 1000
UNION
SELECT instance, d FROM rolled JOIN roll USING (instance, d) JOIN held USING (instance, d) ANTI JOIN said USING (instance, d, "grant", operation)
WHERE whole AND c.records = n AND rolled.last <= ${asOfMs}`,
    `UPDATE roll SET whole = false, fault = 'it and the records contradict each other' FROM contrary
WHERE roll.instance = contrary.instance AND roll.d = contrary.d`,
    'DELETE FROM run USING contrary WHERE run.instance = contrary.instance AND run.d = contrary.d',
    `UPDATE roll SET counts = true FROM
  (SELECT roll.instance, roll.d FROM roll LEFT JOIN held USING (instance, d) WHERE whole AND c.records <> coalesce(n, 0)) AS more
WHERE roll.instance = more.instance AND roll.d = more.d`,
    `DELETE FROM run USING roll
WHERE run.instance = roll.instance AND run.d = roll.d AND NOT roll.counts AND run.high >= run.low`,
    `DELETE FROM sign USING run
WHERE taken AND sign.instance = run.instance AND seq BETWEEN low AND high AND ms BETWEEN ms_low - 60000 AND ms_high + 120000`,
    // A use of the day that the instant lies in may be after it: one is certain.
    `DELETE FROM rolled WHERE first > ${asOfMs}`,
    `UPDATE rolled SET count = 1, last = ${asOfMs} WHERE last > ${asOfMs}`,
  ];
};

/** The last minute of each clock that is ahead. */
export const rolledLatest =
  'SELECT instance, max(late) AS minute FROM told WHERE late IS NOT NULL AND kind IS NOT NULL GROUP BY instance ORDER BY instance';

/** When an instance was there by its roll-ups, in minutes since 1970, and the first number that they vouch for. */
export const rolledLives = `
SELECT instance, min(coalesce(low, 9007199254740991)) AS next FROM roll LEFT JOIN run USING (instance, d) GROUP BY instance ORDER BY instance`;

const clipped = (asOf: number) => `
SELECT instance, d * 1440 + s[1] AS "from", least(d * 1440 + s[2], ${Math.floor(asOf / 60) + 1}) AS "to"`;

/** Minutes with a heartbeat or an orderly end, of days that are whole. */
export const rolledBeats = (asOf: number) => `
SELECT * FROM (${clipped(asOf)} FROM (SELECT instance, d, unnest(c.beats) AS s FROM roll WHERE whole)) WHERE "from" < "to" ORDER BY ALL`;

/** Minutes with any sign of life, also of days that vouch for nothing. */
export const rolledSeen = (asOf: number) => `
SELECT * FROM (
  ${clipped(asOf)} FROM (SELECT instance, d, unnest(c.seen) AS s FROM roll WHERE c.seen IS NOT NULL) WHERE len(s) = 2
  UNION ALL
  SELECT instance, coalesce(began // 60000, d * 1440), least(coalesce(ended // 60000, d * 1440), ${Math.floor(asOf / 60)}) + 1
  FROM roll WHERE c.seen IS NULL
) WHERE "from" < "to" ORDER BY ALL`;

/** Minutes of orderly ends, of days that are whole. */
export const rolledEnds = (asOf: number) => `
SELECT instance, d * 1440 + minute AS "from", d * 1440 + minute + 1 AS "to" FROM (SELECT instance, d, unnest(c.ends) AS minute FROM roll WHERE whole)
WHERE d * 1440 + minute <= ${Math.floor(asOf / 60)} ORDER BY ALL`;

/** Numbers that two days claim, or a day and records that contradict it, and the minutes from the first of them to the last. */
export const rolledRepeats = `
WITH step AS (
  SELECT *, max(high) OVER w AS before, max(ms_high) OVER w AS ms_before, min(ms_low) OVER w AS ms_first
  FROM run WHERE high >= low WINDOW w AS (PARTITION BY instance ORDER BY low, high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), again AS (
  SELECT instance, least(high, before) - low + 1 AS numbers, least(ms_low, ms_first) AS a, greatest(ms_high, ms_before) AS b
  FROM step WHERE low <= before
  UNION ALL
  SELECT run.instance, count(*), least(min(ms), min(ms_low)), greatest(max(ms), max(ms_high))
  FROM run JOIN sign ON run.instance = sign.instance AND seq BETWEEN low AND high WHERE taken GROUP BY run.instance, low
  UNION ALL
  SELECT instance, n, d * ${dayMs}, d * ${dayMs} + ${dayMs - 1} FROM contrary JOIN held USING (instance, d)
)
SELECT instance, sum(numbers) AS numbers, min(a) // 60000 AS "from", max(b) // 60000 + 1 AS "to" FROM again GROUP BY instance ORDER BY instance`;

/** Uses by day (in the order of grants) and pairs, from records and roll-ups together; what a faulty roll-up says is held against the records. */
export const jointUses = [
  `CREATE TABLE use AS
WITH recorded AS (
  SELECT instance, "grant", operation, ms // ${dayMs} AS day, count(*) AS count, min(ms) AS first, max(ms) AS last
  FROM (SELECT instance, unnest(grants) AS "grant", operation, ms FROM record WHERE grants IS NOT NULL) GROUP BY ALL
), uncertain AS (
  SELECT instance, "grant", operation, d AS day, count, first, last FROM rolled JOIN roll USING (instance, d) WHERE NOT whole
), one AS (
  SELECT instance, "grant", operation, day, max(count) AS count, min(first) AS first, max(last) AS last
  FROM (SELECT * FROM recorded UNION ALL SELECT * FROM uncertain) GROUP BY instance, "grant", operation, day
  UNION ALL
  SELECT instance, "grant", operation, d, count, first, last FROM rolled JOIN roll USING (instance, d) WHERE counts
)
SELECT "grant", operation, day, sum(count)::BIGINT AS count, min(first) AS first, max(last) AS last FROM one GROUP BY "grant", operation, day ORDER BY "grant"`,
  `CREATE TABLE pair AS
WITH recorded AS (
  SELECT grants, operation, ms // ${dayMs} AS day, 1 AS count FROM record WHERE len(grants) > 1
), every AS (
  SELECT * FROM recorded UNION ALL
  SELECT together, operation, d, count FROM shared JOIN roll USING (instance, d) WHERE counts AND NOT beyond
)
SELECT "grant", other, operation, day, sum(count)::BIGINT AS count FROM (
  SELECT "grant", unnest(grants) AS other, operation, day, count FROM (
    SELECT unnest(grants) AS "grant", grants, operation, day, count FROM every))
WHERE other <> "grant" GROUP BY ALL`,
];
