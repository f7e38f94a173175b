// Sharp edges of @duckdb/node-api: extensions would be downloaded on first use unless forbidden; it takes most of the
// machine's memory unless told otherwise; a database in memory is kept uncompressed, one on disk is not.

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

/** A text as SQL writes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** What a query over decision logs failed with, in words. */
export function logsUnreadable(cause: unknown): ReviewError {
  const message = messageOf(cause);
  return new ReviewError('decisions-unreadable', `the decision logs cannot be read: ${message}`, { cause });
}

export type Row = Record<string, unknown>;

/** A database in a folder of its own, which goes with it. */
export type Database = {
  connection: DuckDBConnection;
  read(sql: string): Promise<Row[]>;
  close(): Promise<void>;
};

/** Where a database lies that outlives its connection; read only, others may read it at once. */
type Place = { file: string; readOnly?: true };

/** Up to so much two threads are more work than they save: of a small file all is read by one in any case. */
const smallBytes = 8 * 1024 * 1024;

const areSmall = async (files: readonly string[]): Promise<boolean> =>
  (
    await Promise.all(files.map((file) => stat(file).catch(() => ({ size: Number.POSITIVE_INFINITY }))))
  ).reduce((sum, { size }) => sum + size, 0) <= smallBytes;

/**
 * Opens a database that uses two cores (one where it is known to read little, the `files`) and as much `memory` as told;
 * the signal ends a query under way. It is a fresh one that goes with the connection, unless it is given a place.
 */
export async function openDatabase(
  memory: string,
  signal?: AbortSignal,
  { place, files }: { place?: Place; files?: readonly string[] } = {},
): Promise<Database> {
  // Much to load, and what is reviewed without records needs none of it.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const scratch = await temporaryFolder('usage');
  const database = await DuckDBInstance.create(place?.file ?? join(scratch, 'usage.db'), {
    ...(place?.readOnly && { access_mode: 'READ_ONLY' }),
    memory_limit: memory,
    temp_directory: scratch,
    threads: files !== undefined && (await areSmall(files)) ? '1' : '2',
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await database.connect();
  await connection.run("SET TimeZone = 'UTC'");
  // Nobody opens the file again: what memory holds of it need not be written at the end.
  if (place === undefined) await connection.run('PRAGMA disable_checkpoint_on_shutdown');
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  let closed = false;
  return {
    connection,
    read: async (sql) => (await connection.runAndReadAll(sql)).getRowObjects(),
    async close() {
      if (closed) return;
      closed = true;
      signal?.removeEventListener('abort', interrupt);
      connection.closeSync();
      database.closeSync();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

/**
 * Works in a fresh database that reads `files`, and goes with it. Whatever fails in it throws ReviewError `decisions-unreadable`, or
 * `aborted`.
 */
export async function inDatabase<T>(
  memory: string,
  { files, signal }: { files: readonly string[]; signal: AbortSignal | undefined },
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(memory, signal, { files });
  try {
    return await work(database);
  } catch (error) {
    stopIfAborted(signal);
    throw logsUnreadable(error);
  } finally {
    await database.close();
  }
}

/** Why a file could not be read, in one line; null when the reading was ended. */
export function reasonOf(error: unknown): string | null {
  const [reason = ''] = messageOf(error).split('\n');
  if (/interrupt/i.test(reason)) return null;
  return isTooLong(error) ? 'a line of it is too long to be read' : reason.slice(0, 200);
}

export const isTooLong = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('maximum_object_size');

/** For a file that counts for nothing as it cannot be read; the end of the reading is another matter. */
export const passOver = (error: unknown): void => {
  if (/interrupt/i.test(String(error))) throw error;
};
