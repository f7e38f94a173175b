import { quoted } from '../evidence/database.ts';

const columns = `{ timestamp: 'VARCHAR', event: 'VARCHAR', decision_id: 'VARCHAR', instance: 'VARCHAR', seq: 'BIGINT',
  status: 'INTEGER', input: 'STRUCT(subject VARCHAR, mfa BOOLEAN, networks VARCHAR[])',
  result: 'STRUCT(allow BOOLEAN, grants VARCHAR[])' }`;

/** Every use of every grant up to an instant (seconds), each once. */
export const useTable = (files: readonly string[], asOf: number): string => `
CREATE TABLE use AS
SELECT unnest(list_distinct(grants)) AS "grant", subject, ms, coalesce(mfa, false) AS mfa, networks FROM (
  SELECT DISTINCT ON (instance, seq, decision_id) result.grants AS grants, input.subject AS subject, input.mfa AS mfa,
    to_json(list_sort(coalesce(input.networks, [])))::VARCHAR AS networks, epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)) AS ms
  FROM read_json([${files.map(quoted).join(',')}], format = 'newline_delimited', columns = ${columns}, ignore_errors = true)
  WHERE decision_id IS NOT NULL AND event IS NULL AND result.allow AND status IS DISTINCT FROM 429)
WHERE ms <= ${Math.floor(asOf * 1000)}`;

/** Of each grant in `win`: what its window holds, and how much there is in all. */
export const perGrant = `
SELECT "grant", count(*) FILTER (WHERE ms >= "from") AS uses, count(*) AS ever, min(ms) AS first, max(ms) AS last,
  count(DISTINCT ms // 86400000) FILTER (WHERE ms >= "from") AS days, count(*) FILTER (WHERE ms >= "from" AND mfa) AS mfa
FROM use JOIN win USING ("grant") GROUP BY "grant"`;

export const perPlace = `
SELECT "grant", networks, count(*) AS uses FROM use JOIN win USING ("grant") WHERE ms >= "from" GROUP BY ALL ORDER BY ALL`;

export const perCaller = `
SELECT DISTINCT "grant", subject FROM use JOIN win USING ("grant") WHERE ms >= "from" AND subject IS NOT NULL ORDER BY ALL`;

/** Minutes in which nobody asked say nothing of how much comes when somebody does. */
export const perMinute = `
SELECT "grant", quantile_disc(n, 0.999) AS usual, max(n) AS busiest FROM (
  SELECT "grant", subject, ms // 60000 AS minute, count(*) AS n FROM use JOIN win USING ("grant")
  WHERE ms >= "from" GROUP BY ALL) GROUP BY "grant"`;

/** Every use in the window of one grant, one caller after the other. */
export const inOrder = (grant: string): string => `
SELECT coalesce(subject, '') AS subject, ms FROM use JOIN win USING ("grant")
WHERE "grant" = ${quoted(grant)} AND ms >= "from" ORDER BY subject, ms`;
