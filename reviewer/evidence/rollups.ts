import { type Database, type Row, reasonOf } from './database.ts';
import {
  foreignFiles,
  type Instants,
  loadRollups,
  rolledBeats,
  rolledEnds,
  rolledLatest,
  rolledLives,
  rolledRepeats,
  rolledSeen,
  rollTables,
} from './rollupSql.ts';

/** A day's roll-up that vouches for nothing, and why. */
export type FaultyDay = { instance: string; day: string; reason: string };

/** What roll-ups show of instances; minutes since 1970. */
export type Rollups = {
  lives: readonly Row[];
  beats: readonly Row[];
  seen: readonly Row[];
  ends: readonly Row[];
  repeats: readonly Row[];
  latest: readonly Row[];
  faulty: readonly FaultyDay[];
  unreadable: readonly { file: string; reason: string }[];
};

/**
 * Reads roll-ups into the tables `rolled` (uses), `shared`, `refused`, `roll` (days) and `run` (numbers), beside the
 * records that `sign` holds, of which those go that a roll-up counts: each decision counts once. What a roll-up cannot
 * vouch for is use, and covers nothing.
 */
export async function readRollups(
  { connection, read }: Database,
  files: readonly string[],
  instants: Instants,
): Promise<Rollups> {
  const asOf = instants.asOfMs / 1000;
  await connection.run(loadRollups.table);
  const unreadable: { file: string; reason: string }[] = [];
  try {
    await connection.run(loadRollups.rows(files, instants));
  } catch {
    await connection.run('DELETE FROM told');
    for (const file of files)
      try {
        await connection.run(loadRollups.rows([file], instants));
      } catch (error) {
        const reason = reasonOf(error);
        if (reason === null) throw error;
        unreadable.push({ file, reason });
      }
  }
  for (const { file } of await read(foreignFiles))
    unreadable.push({ file: String(file), reason: 'no line of it is one of a roll-up' });
  for (const statement of rollTables(instants)) await connection.run(statement);
  const faults = await read(
    "SELECT instance, strftime(make_date(d::INTEGER), '%Y-%m-%d') AS day, fault FROM roll WHERE NOT whole ORDER BY ALL",
  );
  return {
    lives: await read(rolledLives),
    beats: await read(rolledBeats(asOf)),
    seen: await read(rolledSeen(asOf)),
    ends: await read(rolledEnds(asOf)),
    repeats: await read(rolledRepeats),
    latest: await read(rolledLatest),
    faulty: faults.map(({ instance, day, fault }) => ({
      instance: String(instance),
      day: String(day),
      reason: String(fault),
    })),
    unreadable,
  };
}
