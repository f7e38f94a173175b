import { type Database, inDatabase, passOver, quoted } from './database.ts';
import { findLogs } from './findLogs.ts';

/** Requests for one operation, by whomever; instants in seconds since 1970. */
export type Calls = {
  api: string;
  operation: string;
  /** Method and path as the records have them: `GET /v1/orders/{orderId}`. */
  call: string;
  requests: number;
  allowed: number;
  first: number;
  last: number;
};

const columns = `{ timestamp: 'VARCHAR', event: 'VARCHAR', decision_id: 'VARCHAR',
  input: 'STRUCT(api VARCHAR, operation VARCHAR, method VARCHAR, path VARCHAR)', result: 'STRUCT(allow BOOLEAN)' }`;

/**
 * Counts what decision records up to `asOf` (seconds) were asked about, sorted by API and operation, each decision once.
 * What cannot be read counts for nothing; `readUsage` tells of it. Throws ReviewError `decisions-unreadable`.
 */
export async function readCalls(
  sources: readonly string[],
  asOf: number,
  signal?: AbortSignal,
): Promise<Calls[]> {
  const files = await findLogs(sources);
  if (files.length === 0) return [];
  const query = (some: readonly string[]) => `
SELECT input.api AS api, input.operation AS operation,
  concat_ws(' ', input.method, input.path) AS call, result.allow AS allow,
  epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms, decision_id
FROM read_json([${some.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns}, ignore_errors = true)
WHERE decision_id IS NOT NULL AND event IS NULL AND input.api IS NOT NULL AND input.operation IS NOT NULL`;
  return inDatabase('700MB', { files, signal }, async (database) => {
    await database.connection.run(
      'CREATE TABLE asked (api VARCHAR, operation VARCHAR, call VARCHAR, allow BOOLEAN, ms BIGINT, decision_id VARCHAR)',
    );
    const take = (some: readonly string[]) => database.connection.run(`INSERT INTO asked ${query(some)}`);
    // One that cannot be read fails the query for all.
    await take(files).catch(async (error) => {
      passOver(error);
      for (const file of files) await take([file]).catch(passOver);
    });
    return counted(
      database,
      `(SELECT DISTINCT ON (decision_id) * FROM asked) WHERE ms <= ${Math.floor(asOf * 1000)}`,
    );
  });
}

/** The same of what was kept of them. */
export const callsIn = (database: Pick<Database, 'read'>): Promise<Calls[]> =>
  counted(database, 'decision WHERE api IS NOT NULL AND operation IS NOT NULL');

async function counted({ read }: Pick<Database, 'read'>, from: string): Promise<Calls[]> {
  const rows = await read(`
SELECT api, operation, max(call) AS call, count(*) AS requests, count(*) FILTER (WHERE allow) AS allowed, min(ms) AS first, max(ms) AS last
FROM ${from} GROUP BY api, operation ORDER BY api, operation`);
  return rows.map((row) => ({
    ...{ api: String(row.api), operation: String(row.operation), call: String(row.call) },
    ...{ requests: Number(row.requests), allowed: Number(row.allowed) },
    ...{ first: Number(row.first) / 1000, last: Number(row.last) / 1000 },
  }));
}
