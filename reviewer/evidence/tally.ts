import { isMapping } from '../../bundle/format/isMapping.ts';
import { daySeconds } from '../../bundle/format/times.ts';
import type { Database, Row } from './database.ts';

export const views = ['grant', 'operation', 'api', 'person'] as const;
export type View = (typeof views)[number];

/** What was allowed and denied of one thing; instants in seconds since 1970. */
export type Tally = {
  grant?: string;
  api?: string;
  operation?: string;
  person?: string;
  allowed: number;
  /** Denials by reason; that of requests over their rate is `limited`. A grant has none: what it does not allow is not its own. */
  denied: Readonly<Record<string, number>>;
  /** UTC days with an allowed request. */
  days: number;
  /** The most uses of one operation within a minute; only of grants. */
  busiest?: number;
  first: number;
  last: number;
};

type Asked = {
  /** The files of decision records that could be read. */
  files: readonly string[];
  /** Seconds since 1970, both inclusive. */
  from: number;
  to: number;
  copies: boolean;
  /** There are roll-ups in the database. */
  rolled: boolean;
};

const columns = `{ timestamp: 'VARCHAR', event: 'VARCHAR', instance: 'VARCHAR', seq: 'BIGINT', decision_id: 'VARCHAR', status: 'INTEGER',
  input: 'STRUCT(subject VARCHAR, api VARCHAR, operation VARCHAR)', result: 'STRUCT(allow BOOLEAN, grants VARCHAR[], reason VARCHAR)' }`;
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Every decision on record in the window that no roll-up counts, once. */
function decisions({ files, from, to, copies, rolled }: Asked): string {
  if (files.length === 0)
    return `CREATE TEMP TABLE asked (instance VARCHAR, ms BIGINT, api VARCHAR, operation VARCHAR, person VARCHAR, denied VARCHAR, grants VARCHAR[])`;
  return `CREATE TEMP ${copies ? 'TABLE' : 'VIEW'} asked AS
WITH line AS (
  SELECT *, epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms
  FROM read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns}, ignore_errors = true)
  WHERE decision_id IS NOT NULL AND event IS NULL AND result.allow IS NOT NULL
)
SELECT ${copies ? 'DISTINCT ON (line.instance, seq, decision_id)' : ''} line.instance AS instance, ms, input.api AS api, input.operation AS operation, input.subject AS person,
  CASE WHEN NOT result.allow THEN coalesce(result.reason, 'denied') WHEN status = 429 THEN 'limited' END AS denied,
  CASE WHEN result.allow AND status IS DISTINCT FROM 429 THEN list_distinct(result.grants) END AS grants
FROM line ${
    rolled
      ? 'ANTI JOIN run ON line.instance = run.instance AND seq BETWEEN low AND high AND ms BETWEEN ms_low - 60000 AND ms_high + 120000'
      : ''
  }
WHERE ms BETWEEN ${Math.floor(from * 1000)} AND ${Math.floor(to * 1000)}`;
}

const keys: Readonly<Record<View, readonly string[]>> = {
  grant: ['"grant"'],
  operation: ['api', 'operation'],
  api: ['api'],
  person: ['person'],
};

/** Days of roll-ups in the window: those that count, whose decisions are in no record, or those that vouch for nothing. */
const days = ({ from, to }: Asked, which: 'counts' | 'NOT whole') =>
  `JOIN roll USING (instance, d) WHERE ${which} AND d BETWEEN ${Math.floor(from / daySeconds)} AND ${Math.floor(to / daySeconds)}`;

// What a roll-up says that vouches for nothing is held against the records: the records may have the same uses.
const ofGrants = (asked: Asked) => `
WITH minute AS (
  SELECT instance, "grant", api, operation, ms // 60000 AS minute, count(*) AS n, min(ms) AS first, max(ms) AS last
  FROM (SELECT instance, unnest(grants) AS "grant", api, operation, ms FROM asked WHERE grants IS NOT NULL) GROUP BY ALL
), told AS (
  SELECT instance, "grant", api, operation, minute // 1440 AS d, sum(n) AS n, max(n) AS busiest, min(first) AS first, max(last) AS last
  FROM minute GROUP BY ALL
  ${asked.rolled ? `UNION ALL SELECT instance, "grant", api, operation, d, count, busiest, first, last FROM rolled ${days(asked, 'NOT whole')}` : ''}
), part AS (
  SELECT "grant", api, d, max(n) AS n, max(busiest) AS busiest, min(first) AS first, max(last) AS last
  FROM told GROUP BY instance, "grant", api, operation, d
  ${asked.rolled ? `UNION ALL SELECT "grant", api, d, count, busiest, first, last FROM rolled ${days(asked, 'counts')}` : ''}
)
SELECT "grant", any_value(api) AS api, sum(n)::BIGINT AS n, count(DISTINCT d) AS days, max(busiest) AS busiest, min(first) AS first, max(last) AS last,
  NULL AS denied FROM part GROUP BY "grant" ORDER BY n DESC, "grant"`;

/** Of roll-ups. A request that several grants justified is one: those beyond the first are taken off again. */
const requestsIn = (asked: Asked, which: 'counts' | 'NOT whole') => `
    SELECT instance, api, operation, NULL AS denied, d, greatest(1, sum(count) - coalesce(any_value(more), 0)) AS n, min(first) AS first, max(last) AS last
    FROM (SELECT rolled.* FROM rolled ${days(asked, which)}) AS use
    LEFT JOIN (SELECT instance, d, operation, sum(count * (len(together) - 1)) AS more FROM shared GROUP BY ALL) USING (instance, d, operation)
    GROUP BY instance, api, operation, d
    UNION ALL SELECT instance, api, operation, reason, d, count, first, last FROM (SELECT refused.* FROM refused ${days(asked, which)})`;

const ofRequests = (by: View, asked: Asked) => {
  const key = keys[by].join(', ');
  const rolled = asked.rolled && by !== 'person';
  const fine = by === 'person' ? 'person' : 'api, operation';
  return `
WITH told AS (
  SELECT instance, ${fine}, denied, ms // 86400000 AS d, count(*) AS n, min(ms) AS first, max(ms) AS last FROM asked GROUP BY ALL
  ${rolled ? `UNION ALL ${requestsIn(asked, 'NOT whole')}` : ''}
), part AS (
  SELECT ${fine}, denied, d, max(n) AS n, min(first) AS first, max(last) AS last FROM told GROUP BY instance, ${fine}, denied, d
  ${rolled ? `UNION ALL SELECT api, operation, denied, d, n, first, last FROM (${requestsIn(asked, 'counts')})` : ''}
), whole AS (
  SELECT ${key}, denied, sum(n)::BIGINT AS n, count(DISTINCT d) AS days, min(first) AS first, max(last) AS last FROM part GROUP BY ${key}, denied
)
SELECT ${key}, coalesce(sum(n) FILTER (WHERE denied IS NULL), 0)::BIGINT AS n, coalesce(max(days) FILTER (WHERE denied IS NULL), 0) AS days,
  min(first) AS first, max(last) AS last,
  to_json(map_from_entries(list((denied, n) ORDER BY denied) FILTER (WHERE denied IS NOT NULL))) AS denied
FROM whole GROUP BY ${key} ORDER BY n DESC, ${key}`;
};

const text = (value: unknown) => (value === null || value === undefined ? undefined : String(value));

function tallyIn(row: Row): Tally {
  const [grant, api, operation, person] = [row.grant, row.api, row.operation, row.person].map(text);
  return {
    ...(grant !== undefined && { grant }),
    ...(api !== undefined && { api }),
    ...(operation !== undefined && { operation }),
    ...(person !== undefined && { person }),
    allowed: Number(row.n),
    denied: deniedIn(row.denied),
    days: Number(row.days),
    ...(row.busiest !== undefined && { busiest: Number(row.busiest) }),
    first: Number(row.first) / 1000,
    last: Number(row.last) / 1000,
  };
}

function deniedIn(value: unknown): Record<string, number> {
  const counts: unknown = typeof value === 'string' ? JSON.parse(value) : {};
  if (!isMapping(counts)) return {};
  return Object.fromEntries(Object.entries(counts).map(([reason, count]) => [reason, Number(count)]));
}

/** Counts what is in the window, the most used first. Rows come as they are read: there may be many. */
export async function* tally({ connection }: Database, by: View, asked: Asked): AsyncGenerator<Tally> {
  await connection.run('DROP VIEW IF EXISTS asked').catch(() => connection.run('DROP TABLE IF EXISTS asked'));
  await connection.run(decisions(asked));
  const result = await connection.stream(by === 'grant' ? ofGrants(asked) : ofRequests(by, asked));
  for await (const rows of result.yieldRowObjects()) for (const row of rows) yield tallyIn(row);
}
