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
    return `CREATE TEMP TABLE asked (ms BIGINT, api VARCHAR, operation VARCHAR, person VARCHAR, denied VARCHAR, grants VARCHAR[])`;
  return `CREATE TEMP ${copies ? 'TABLE' : 'VIEW'} asked AS
WITH line AS (
  SELECT *, epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms
  FROM read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns}, ignore_errors = true)
  WHERE decision_id IS NOT NULL AND event IS NULL AND result.allow IS NOT NULL
)
SELECT ${copies ? 'DISTINCT ON (line.instance, seq, decision_id)' : ''} ms, input.api AS api, input.operation AS operation, input.subject AS person,
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

/** Of a day in a roll-up that is counted, or that the records do not have either. */
const counted = (from: number, to: number) =>
  `JOIN roll USING (instance, d) WHERE (counts OR NOT whole) AND d BETWEEN ${Math.floor(from / 86_400)} AND ${Math.floor(to / 86_400)}`;

const ofGrants = ({ from, to, rolled }: Asked) => `
WITH minute AS (
  SELECT "grant", api, operation, ms // 60000 AS minute, count(*) AS n, min(ms) AS first, max(ms) AS last
  FROM (SELECT unnest(grants) AS "grant", api, operation, ms FROM asked WHERE grants IS NOT NULL) GROUP BY ALL
), part AS (
  SELECT "grant", api, minute // 1440 AS d, sum(n) AS n, max(n) AS busiest, min(first) AS first, max(last) AS last FROM minute GROUP BY ALL
  ${rolled ? `UNION ALL SELECT "grant", api, d, count, busiest, first, last FROM rolled ${counted(from, to)}` : ''}
)
SELECT "grant", any_value(api) AS api, sum(n)::BIGINT AS n, count(DISTINCT d) AS days, max(busiest) AS busiest, min(first) AS first, max(last) AS last,
  NULL AS denied FROM part GROUP BY "grant" ORDER BY n DESC, "grant"`;

const ofRequests = (by: View, { from, to, rolled }: Asked) => {
  const key = keys[by].join(', ');
  // A request that several grants justified is one: those beyond the first are taken off again.
  const fromRolled = `
  UNION ALL SELECT ${key}, NULL, d, n, first, last FROM (
    SELECT ${by === 'api' ? 'api' : 'api, operation'}, d, greatest(1, sum(n)) AS n, min(first) AS first, max(last) AS last FROM (
      SELECT api, operation, instance, d, sum(count) - coalesce(any_value(more), 0) AS n, min(first) AS first, max(last) AS last
      FROM (SELECT rolled.* FROM rolled ${counted(from, to)}) AS use
      LEFT JOIN (SELECT instance, d, operation, sum(count * (len(together) - 1)) AS more FROM shared GROUP BY ALL) USING (instance, d, operation)
      GROUP BY api, operation, instance, d) GROUP BY ALL)
  UNION ALL SELECT ${key}, reason, d, count, first, last FROM (SELECT refused.* FROM refused ${counted(from, to)})`;
  return `
WITH part AS (
  SELECT ${key}, denied, ms // 86400000 AS d, count(*) AS n, min(ms) AS first, max(ms) AS last FROM asked GROUP BY ALL
  ${rolled && by !== 'person' ? fromRolled : ''}
), whole AS (
  SELECT ${key}, denied, sum(n)::BIGINT AS n, count(DISTINCT d) AS days, min(first) AS first, max(last) AS last FROM part GROUP BY ALL
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
  if (typeof counts !== 'object' || counts === null) return {};
  return Object.fromEntries(Object.entries(counts).map(([reason, count]) => [reason, Number(count)]));
}

/** Counts what is in the window, the most used first. Rows come as they are read: there may be many. */
export async function* tally({ connection }: Database, by: View, asked: Asked): AsyncGenerator<Tally> {
  await connection.run('DROP VIEW IF EXISTS asked').catch(() => connection.run('DROP TABLE IF EXISTS asked'));
  await connection.run(decisions(asked));
  const result = await connection.stream(by === 'grant' ? ofGrants(asked) : ofRequests(by, asked));
  for await (const rows of result.yieldRowObjects()) for (const row of rows) yield tallyIn(row);
}
