// Sharp edges of DuckDB, kept behind the files of this room and held by test/reviewer/evidence/usage.test.ts: without
// `ignore_errors` a torn last line fails the whole query, with it a malformed line becomes a row of NULLs and says
// nothing, so such rows are looked for and their lines located here; types are guessed unless declared; a cast to
// TIMESTAMP drops the offset without a word; one file that cannot be unpacked fails the query for all.
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { askUsage, type LoadedUsage, type Usage } from './askUsage.ts';
import { type Database, logsUnreadable, openDatabase } from './database.ts';
import { findLogs } from './findLogs.ts';
import { instancesOf } from './instances.ts';
import { malformedLines } from './malformedLines.ts';
import { type Instants, jointUses } from './rollupSql.ts';
import { readRollups } from './rollups.ts';
import { decisionTable, loadAll, recordTable, useTables, whereTables } from './usageSql.ts';

export type { DayOfUse, Usage, WindowOfUse } from './askUsage.ts';

type Options = {
  /** Folders, files and globs of decision logs. */
  sources: readonly string[];
  /** Folders, files and globs of the gateways' roll-ups by day. */
  rollups?: readonly string[] | undefined;
  /** Seconds since 1970; what came later is left out. */
  asOf: number;
  /**
   * Seconds since 1970: what is stamped later was written by a clock that is ahead, and counts as of the instant. Left out,
   * no clock is held against it.
   */
  readAt?: number | undefined;
  /** Seconds since 1970: where counting `records` begins; may be told while they are read. */
  since: number | Promise<number>;
  memory?: string;
  signal?: AbortSignal | undefined;
};

/** A database of records on disk, which others may ask at once, and what is known of it besides. */
export type KeptUsage = { file: string; loaded: LoadedUsage };

const nothing: Usage = {
  uses: async () => [],
  used: async () => new Map(),
  revisions: async () => [],
  async *totals() {},
  daily: async () => [],
  windows: async (asked) => asked.map(() => null),
  companions: async (asked) => asked.map(() => []),
  brought: async () => new Map(),
  instances: [],
  records: 0,
  files: 0,
  torn: 0,
  unreadable: [],
  faulty: [],
  async *tally() {},
  skews: async () => [],
  close: async () => {},
};

/**
 * Reads decision records up to an instant into a database of its own, on disk, to be asked until it is closed. A line
 * that is no record is refused with its file and number, except a torn last line, which is counted. A file that cannot
 * be unpacked is missing evidence. Throws ReviewError `decisions-malformed`, `decisions-unreadable`, `aborted`.
 */
export async function readUsage(options: Options): Promise<Usage> {
  const { sources, rollups = [], since, memory = '700MB', signal } = options;
  stopIfAborted(signal);
  const files = { records: await findLogs(sources), rollups: await findLogs(rollups) };
  if (files.records.length + files.rollups.length === 0) return nothing;
  const database = await openDatabase(memory, signal, { files: [...files.records, ...files.rollups] });
  try {
    return await askUsage(database, await load(database, files, instantsOf(options)), since);
  } catch (error) {
    await database.close();
    stopIfAborted(signal);
    if (error instanceof ReviewError) throw error;
    throw logsUnreadable(error);
  }
}

/**
 * Reads decision records and roll-ups into a database in `file`, with all of each decision that is told of it. Null where
 * there are none. Throws as {@link readUsage} does.
 */
export async function keepUsage(
  file: string,
  { sources, rollups = [], memory = '700MB', signal, ...instants }: Omit<Options, 'since'>,
): Promise<KeptUsage | null> {
  stopIfAborted(signal);
  const files = { records: await findLogs(sources), rollups: await findLogs(rollups) };
  if (files.records.length + files.rollups.length === 0) return null;
  const all = [...files.records, ...files.rollups];
  const database = await openDatabase(memory, signal, { place: { file }, files: all });
  try {
    const loaded = await load(database, files, instantsOf(instants), true);
    for (const statement of whereTables) await database.connection.run(statement);
    await database.connection.run('CHECKPOINT');
    return { file, loaded };
  } catch (error) {
    stopIfAborted(signal);
    if (error instanceof ReviewError) throw error;
    throw logsUnreadable(error);
  } finally {
    await database.close();
  }
}

/** Asks what was kept; several may at once. `since` as of {@link readUsage}. */
export async function openKept(
  { file, loaded }: KeptUsage,
  since: number | Promise<number>,
  signal?: AbortSignal,
): Promise<Usage & { database: Database }> {
  const database = await openDatabase('300MB', signal, { place: { file, readOnly: true } });
  try {
    return { ...(await askUsage(database, loaded, since, true)), database };
  } catch (error) {
    await database.close();
    stopIfAborted(signal);
    throw logsUnreadable(error);
  }
}

/** In ms; as late as none where nobody says how late it is. */
const instantsOf = ({ asOf, readAt }: Pick<Options, 'asOf' | 'readAt'>): Instants => ({
  asOfMs: Math.floor(asOf * 1000),
  nowMs: readAt === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(Math.max(asOf, readAt) * 1000),
});

/** `whole`: with all of each decision that is told of it, to look for single ones. */
async function load(
  database: Database,
  files: { records: readonly string[]; rollups: readonly string[] },
  instants: Instants,
  whole = false,
): Promise<LoadedUsage> {
  const { connection, read } = database;
  const unreadable = await loadAll(connection, files.records, { ...instants, whole });
  const bad = await read('SELECT DISTINCT bad FROM sign WHERE bad IS NOT NULL ORDER BY bad');
  if (bad.length > 0) await connection.run('DELETE FROM sign WHERE bad IS NOT NULL');
  const { torn, first, ...cut } = await malformedLines(bad.map(({ bad }) => String(bad)));
  if (first !== null)
    throw new ReviewError('decisions-malformed', `${first}: must be a decision record or a heartbeat`);
  const isRolled = files.rollups.length > 0;
  // What a roll-up counts goes from the signs.
  if (whole && isRolled) await connection.run(decisionTable(true));
  const rollups = isRolled ? await readRollups(database, files.rollups, instants) : null;
  const instances = await instancesOf(read, rollups, instants);
  const copies = instances.some(({ copies }) => copies);
  if (whole && !isRolled) await connection.run(decisionTable(copies));
  await connection.run(recordTable(copies));
  for (const statement of rollups === null ? useTables : jointUses) await connection.run(statement);
  const [{ pairs } = { pairs: 0 }] = await read('SELECT count(*)::INTEGER AS pairs FROM pair');
  const missing = new Set([...unreadable, ...cut.unreadable].map(({ file }) => file));
  return {
    ...{ instances, copies, isRolled, pairs: Number(pairs), torn, faulty: rollups?.faulty ?? [] },
    records: files.records.filter((file) => !missing.has(file)),
    files: files.records.length + files.rollups.length,
    unreadable: [...unreadable, ...cut.unreadable, ...(rollups?.unreadable ?? [])],
  };
}
