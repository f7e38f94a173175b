import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DuckDBAppender } from '@duckdb/node-api';
import { daySeconds } from '../../bundle/format/times.ts';
import type { InstanceSigns } from './coverage.ts';
import { type Database, quoted } from './database.ts';
import type { FaultyDay } from './rollups.ts';
import { type Tally, tally, type View } from './tally.ts';
import { broughtOf, dailyTable, recordTable, revisionsOf, skewsOf } from './usageSql.ts';

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

/** What was used of a grant in one window, and when last, also before it (seconds since 1970). */
export type WindowOfUse = {
  allows: number;
  daysUsed: number;
  operations: readonly string[];
  lastUsedAt: number;
};

/** A question's key, and a grant that it is about. */
export type Keyed = { key: string; grant: string };

export type Usage = {
  /** Uses up to the instant asked for: allowed and not limited (429); sorted by grant, operation and day. */
  uses(): Promise<DayOfUse[]>;
  /** Grant → uses on days since 1970, from `from` on and before `to`, and the last one (seconds since 1970). */
  used(from: number, to: number): Promise<ReadonlyMap<string, { count: number; last: number }>>;
  /** When each instance first decided by each revision, as records show it (seconds since 1970), sorted by instance. */
  revisions(): Promise<{ instance: string; revision: string; at: number }[]>;
  /** What was used of each grant over all days, and last when (seconds since 1970); some thousands at once. */
  totals(): AsyncIterable<readonly { grant: string; operation: string; last: number }[]>;
  /** How often the grants that are asked about under one key were used on each day since 1970, from `from` on. */
  daily(asked: readonly Keyed[], from: number): Promise<{ key: string; day: number; count: number }[]>;
  /**
   * What was used in windows, in their order; null of a grant that nothing is known of. Uses are kept by day, so of a day
   * that a window's start cuts in two only what is certain counts: all of it when the day's first use is inside, else its
   * last one.
   */
  windows(asked: readonly { grant: string; from: number }[]): Promise<(WindowOfUse | null)[]>;
  /** For windows, in their order: the other grants that justified every use in them too, sorted. */
  companions(asked: readonly { grant: string; from: number }[]): Promise<string[][]>;
  /**
   * When people and groups (the keys, folded) last came by tokens that name groups themselves, up to an instant (seconds
   * since 1970); where only a roll-up tells of a time, when a grant of theirs was last used.
   */
  brought(asked: readonly Keyed[], asOf: number): Promise<ReadonlyMap<string, number>>;
  /** What the log shows of each instance up to then, sorted by name. */
  instances: readonly InstanceSigns[];
  /** Decision records since `since`. */
  records: number;
  files: number;
  /** Last lines that a crash cut short; their requests were never forwarded. */
  torn: number;
  /** Files that could not be read to their end, with the reason: their time is not covered. */
  unreadable: readonly { file: string; reason: string }[];
  /** Days whose roll-ups vouch for nothing, and why. */
  faulty: readonly FaultyDay[];
  /** What is counted between two instants, the most used first; one at a time. */
  tally(by: View, from: number, to: number): AsyncGenerator<Tally>;
  /** Instances whose clock went back as their numbers went on, and by how many minutes at most. */
  skews(): Promise<{ instance: string; minutes: number }[]>;
  close(): Promise<void>;
};

/** What is known of a database of records that was loaded, besides what it holds. */
export type LoadedUsage = {
  instances: readonly InstanceSigns[];
  /** Some lines were given twice. */
  copies: boolean;
  /** There are roll-ups in it. */
  isRolled: boolean;
  /** How many rows tell of grants that were used together. */
  pairs: number;
  /** The files of records that could be read to their end. */
  records: readonly string[];
  files: number;
  torn: number;
  unreadable: readonly { file: string; reason: string }[];
  faulty: readonly FaultyDay[];
};

/** So many grants are named in a question; more are a table of their own. */
const fewAsked = 200;
const namesOf = (asked: readonly Keyed[]) => asked.map(({ grant }) => quoted(grant)).join(', ');
const valuesOf = (asked: readonly Keyed[]) =>
  `(VALUES ${asked.map(({ key, grant }) => `(${quoted(key)}, ${quoted(grant)})`).join(', ')}) AS asked(key, "grant")`;

/** Answers questions about what was loaded. `kept`: by others, so that nothing but what goes with the connection is made. */
export async function askUsage(
  database: Database,
  loaded: LoadedUsage,
  since: number | Promise<number>,
  kept = false,
): Promise<Usage> {
  const { connection, read, close } = database;
  const { instances, copies, isRolled, files, torn, unreadable, faulty, pairs } = loaded;
  if (kept) await connection.run(recordTable(copies));
  const from = await since;
  const since1970 = Math.floor(from * 1000);
  const [counted] = await read(`SELECT count(*) AS records FROM record WHERE ms >= ${since1970}`);
  const [rolled] = !isRolled
    ? []
    : await read(
        `SELECT sum(c.records)::BIGINT AS records FROM roll WHERE counts AND d >= ${Math.floor(from / daySeconds)}`,
      );

  /** A temporary table of what is asked about; `put` appends the values of one row. */
  const fillTable = async <T>(
    [table, columns]: readonly [string, string],
    asked: readonly T[],
    put: (to: DuckDBAppender, one: T, index: number) => void,
  ) => {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (${columns})`);
    const appender = await connection.createAppender(table, null, 'temp');
    for (const [index, one] of asked.entries()) {
      put(appender, one, index);
      appender.endRow();
      // Of very many, others need not wait for all.
      if (index % 2000 === 1999) await nextTurn();
    }
    appender.closeSync();
  };
  /** Into a table that questions about windows are joined with. */
  const fillWindows = (asked: readonly { grant: string; from: number }[]) =>
    fillTable(['win', 'i INTEGER, "grant" VARCHAR, "from" BIGINT'], asked, (to, { grant, from }, i) => {
      to.appendInteger(i);
      to.appendVarchar(grant);
      to.appendBigInt(BigInt(Math.ceil(from * 1000)));
    });
  return {
    instances,
    records: Number(counted?.records ?? 0) + Number(rolled?.records ?? 0),
    ...{ files, torn, unreadable, faulty },
    tally: (by, from, to) =>
      tally(database, by, { files: loaded.records, from, to, copies, rolled: isRolled }),
    async skews() {
      const rows = await read(skewsOf(isRolled));
      const sound = new Set(instances.filter(({ repeated }) => repeated === 0).map((one) => one.instance));
      return rows
        .map(({ instance, minutes }) => ({ instance: String(instance), minutes: Number(minutes) }))
        .filter(({ instance }) => sound.has(instance));
    },
    close,
    async uses() {
      const rows = await read('SELECT * FROM use ORDER BY "grant", operation, day');
      return rows.map((row) => ({
        ...{ grant: String(row.grant), operation: String(row.operation) },
        ...{ day: Number(row.day), count: Number(row.count) },
        ...{ first: Number(row.first) / 1000, last: Number(row.last) / 1000 },
      }));
    },
    async used(from, to) {
      const rows = await read(
        `SELECT "grant", sum(count)::BIGINT AS count, max(last) AS last FROM use WHERE day >= ${Math.floor(from)} AND day < ${Math.ceil(to)} GROUP BY 1`,
      );
      return new Map(
        rows.map((row) => [String(row.grant), { count: Number(row.count), last: Number(row.last) / 1000 }]),
      );
    },
    async revisions() {
      const rows = await read(revisionsOf);
      return rows.map(({ instance, revision, ms }) => ({
        instance: String(instance),
        revision: String(revision),
        at: Number(ms) / 1000,
      }));
    },
    async *totals() {
      const result = await connection.stream(
        'SELECT "grant", operation, max(last) AS last FROM use GROUP BY 1, 2',
      );
      for await (const rows of result.yieldRowObjects())
        yield rows.map((row) => ({
          grant: String(row.grant),
          operation: String(row.operation),
          last: Number(row.last) / 1000,
        }));
    },
    async daily(asked, from) {
      if (asked.length === 0) return [];
      if (!kept) await connection.run(dailyTable);
      const few = asked.length <= fewAsked ? valuesOf(asked) : null;
      if (few === null)
        await fillTable(['asked_daily', 'key VARCHAR, "grant" VARCHAR'], asked, (to, { key, grant }) => {
          to.appendVarchar(key);
          to.appendVarchar(grant);
        });
      const rows = await read(
        `SELECT key, day, sum(count)::BIGINT AS count FROM daily JOIN ${few ?? 'asked_daily'} USING ("grant")
WHERE day >= ${Math.floor(from)} ${few === null ? '' : `AND "grant" IN (${namesOf(asked)})`} GROUP BY 1, 2 ORDER BY 1, 2`,
      );
      return rows.map(({ key, day, count }) => ({
        key: String(key),
        day: Number(day),
        count: Number(count),
      }));
    },
    async windows(asked) {
      const found: (WindowOfUse | null)[] = asked.map(() => null);
      await fillWindows(asked);
      const read = await connection.runAndReadAll(`
SELECT i, sum(CASE WHEN last < "from" THEN 0 WHEN first >= "from" THEN count ELSE 1 END)::DOUBLE,
  count(DISTINCT day) FILTER (last >= "from")::INTEGER,
  string_agg(DISTINCT operation, chr(10)) FILTER (last >= "from"), max(last)::DOUBLE
FROM win JOIN use USING ("grant") GROUP BY i`);
      for (const [i, allows, days, operations, last] of read.getRows())
        found[Number(i)] = {
          ...{ allows: Number(allows), daysUsed: Number(days), lastUsedAt: Number(last) / 1000 },
          operations: operations === null ? [] : String(operations).split('\n').sort(),
        };
      return found;
    },
    async brought(asked, asOf) {
      if (asked.length === 0) return new Map();
      await fillTable(['wanted', 'name VARCHAR, "grant" VARCHAR'], asked, (to, { key, grant }) => {
        to.appendVarchar(key);
        to.appendVarchar(grant);
      });
      const asOfMs = Math.floor(asOf * 1000);
      const rows = await read(broughtOf(loaded.records, { asOfMs, rolled: isRolled }));
      return new Map(rows.map(({ name, ms }) => [String(name), Number(ms) / 1000]));
    },
    async companions(asked) {
      const found: string[][] = asked.map(() => []);
      if (pairs === 0) return found;
      await fillWindows(asked);
      const rows = await read(`
WITH total AS (
  SELECT i, sum(count) AS all_uses FROM win JOIN use USING ("grant") WHERE last >= "from" GROUP BY i
), beside AS (
  SELECT i, other, sum(p.count) AS uses
  FROM win JOIN use u USING ("grant") JOIN pair p USING ("grant", operation, day)
  WHERE u.last >= "from" GROUP BY i, other
)
SELECT i, other FROM beside JOIN total USING (i) WHERE uses = all_uses ORDER BY i, other`);
      for (const { i, other } of rows) found[Number(i)]?.push(String(other));
      return found;
    },
  };
}
