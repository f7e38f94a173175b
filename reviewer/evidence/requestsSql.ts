import { quoted } from './database.ts';

const columns = `{ timestamp: 'VARCHAR', event: 'VARCHAR', decision_id: 'VARCHAR', instance: 'VARCHAR', seq: 'BIGINT',
  bundles: 'STRUCT(grantgate STRUCT(revision VARCHAR))', input: 'JSON', result: 'STRUCT(allow BOOLEAN)' }`;
const asked = [
  'subject',
  'api',
  'operation',
  'method',
  'path',
  'networks',
  'mfa',
  'groups_from',
  'groups',
  'params',
  'claims',
  'facts',
];
const week = 604_800;

/**
 * Counts the decisions of a window by what was asked, by which revision, and how it was answered. What was asked stays
 * JSON: a field of another type than ours must not make a line of nothing of the whole record. `copies`: some lines were
 * given twice, and count once.
 */
export const rememberRequests = (
  files: readonly string[],
  { from, to, byTime, copies }: { from: number; to: number; byTime: boolean; copies: boolean },
): string => `
CREATE TABLE asked AS
WITH line AS (
  SELECT json_extract(input, [${asked.map((name) => `'$.${name}'`).join(', ')}]) AS f,
    bundles.grantgate.revision AS revision, result.allow AS allow, instance, seq, decision_id,
    epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms
  FROM ${files.length === 0 ? nothing : `read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns}, ignore_errors = true)`}
  WHERE decision_id IS NOT NULL AND event IS NULL AND result.allow IS NOT NULL
)
SELECT f[1]::VARCHAR AS subject, CASE WHEN f[8]::VARCHAR = '"token"' THEN f[9]::VARCHAR END AS "groups",
  f[2]::VARCHAR AS api, f[3]::VARCHAR AS operation, f[4]::VARCHAR AS method, f[5]::VARCHAR AS path,
  f[6]::VARCHAR AS networks, f[7]::VARCHAR AS mfa, f[10]::VARCHAR AS params, f[11]::VARCHAR AS claims, f[12]::VARCHAR AS facts, revision,
  ${byTime ? `(ms // 1000) % ${week}` : 'NULL::BIGINT'} AS "time", allow,
  ${copies ? 'count(DISTINCT hash(instance, seq, decision_id))' : 'count(*)'} AS requests, min(ms) AS first, max(ms) AS last
FROM line WHERE ms >= ${Math.floor(from * 1000)} AND ms <= ${Math.floor(to * 1000)} GROUP BY ALL`;

const nothing = `(SELECT NULL::JSON AS input, NULL::STRUCT(grantgate STRUCT(revision VARCHAR)) AS bundles,
  NULL::STRUCT(allow BOOLEAN) AS result, NULL::VARCHAR AS timestamp, NULL::VARCHAR AS event, NULL::VARCHAR AS decision_id,
  NULL::VARCHAR AS instance, NULL::BIGINT AS seq LIMIT 0)`;

/** Folds them once more, revisions by their era. */
export const foldRequests = `
CREATE OR REPLACE TABLE folded AS
SELECT row_number() OVER (ORDER BY api, subject, "groups", operation, method, path, networks, mfa, params, claims, facts, era, "time", allow) AS place, *
FROM (
  SELECT subject, "groups", api, operation, method, path, networks, mfa, params, claims, facts, coalesce(era, -1) AS era, "time", allow,
    sum(requests)::DOUBLE AS requests, min(first)::DOUBLE AS first, max(last)::DOUBLE AS last
  FROM asked LEFT JOIN era USING (revision)
  GROUP BY ALL
)`;
