import type { DuckDBConnection } from '@duckdb/node-api';
import { isMapping } from '../../bundle/format/isMapping.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { stopIfAborted } from '../reviewError.ts';
import { logsUnreadable, openDatabase } from './database.ts';
import { findLogs } from './findLogs.ts';
import { coverageIn } from './gather.ts';
import { foldRequests, rememberRequests } from './requestsSql.ts';
import { readUsage, type Usage } from './usage.ts';

/**
 * Requests that asked the policy the same and were answered alike, as the records have them: what a record leaves out is
 * null. Instants are seconds since 1970.
 */
export type RecordedRequest = {
  subject: string | null;
  /** Those of the token, where its issuer names them; null: the directory's count. */
  groups: readonly string[] | null;
  api: string | null;
  operation: string | null;
  method: string | null;
  path: string | null;
  networks: readonly string[] | null;
  mfa: boolean | null;
  /**
   * The path parameters and claims on record: those that grants of the caller restricted then, with null for what the
   * request did not have. Of all others nothing is known.
   */
  params: RecordedValues;
  claims: RecordedValues;
  /** The facts on record, null where one was not there; those of which it has a digest only are not among them. */
  facts: Readonly<Record<string, unknown>>;
  /** What {@link Requests.fold} was told of the revision that decided. */
  era: number;
  /** Seconds since the last Thursday, 00:00 UTC; null where requests were folded without regard to the time. */
  timeOfWeek: number | null;
  allow: boolean;
  requests: number;
  first: number;
  last: number;
};

/** Names and values; null: it was looked for, and not there. */
export type RecordedValues = Readonly<Record<string, string | null>>;

/** How much is known of the window; instants in seconds since 1970, `coverage` from 0 to 1. */
export type Window = {
  from: number;
  to: number;
  coverage: number;
  lostMinutes: number;
  instances: number;
  files: number;
};

export type Requests = {
  window: Window;
  /** Decisions on record in the window. */
  records: number;
  /** Those of them that cannot be read far enough to say what was asked. */
  unreadable: number;
  /** The revisions that decided. */
  revisions(): Promise<string[]>;
  /**
   * Puts together what is asked alike: revisions of one era (0 and up) count as one; those without are of era -1. To be
   * called before {@link each}.
   */
  fold(eras: ReadonlyMap<string, number>): Promise<void>;
  /** All of them, the same ones in the same order each time, some thousands at once; those of an API and caller together. */
  each(): AsyncIterable<readonly RecordedRequest[]>;
  close(): Promise<void>;
};

type Options = {
  /** Folders, files and globs of decision logs. */
  sources: readonly string[];
  /** The window, seconds since 1970. */
  from: number;
  to: number;
  /** What was asked at another time of the week is another question. */
  byTime: boolean;
  /** What is expected of gateways. */
  rules: Pick<Organisation, 'review'>;
  /** What was found of the same window in the same sources before; left out, they are looked through for it. */
  known?: WindowSigns | undefined;
  memory?: string;
  signal?: AbortSignal | undefined;
};

/** What `readUsage` tells of a window, from its beginning up to its end. */
export type WindowSigns = Pick<Usage, 'instances' | 'records' | 'unreadable' | 'files'>;

/**
 * Reads the requests of a window from decision records into a database of its own, on disk, to be asked until it is
 * closed. Throws ReviewError `decisions-malformed`, `decisions-unreadable`, `aborted`.
 */
export async function readRequests(options: Options): Promise<Requests> {
  const { sources, from, to, byTime, rules, memory = '400MB', signal } = options;
  const signs = options.known ?? (await windowSigns({ sources, asOf: to, since: from, memory, signal }));
  const { instances, records, unreadable } = signs;
  const coverage = coverageIn(signs, rules);
  const cut = new Set(unreadable.map(({ file }) => file));
  const files = (await findLogs(sources)).filter((file) => !cut.has(file));
  stopIfAborted(signal);
  const database = await openDatabase(memory, signal, { files });
  const { connection, read, close } = database;
  try {
    const copies = instances.some((one) => one.copies);
    await connection.run(rememberRequests(files, { from, to, byTime, copies }));
    let again = keepFew(() => rowsOf(connection));
    const [counted] = await read('SELECT sum(requests)::DOUBLE AS requests FROM asked');
    return {
      window: {
        ...{ from, to, files: signs.files, coverage: coverage.share(from, to) },
        lostMinutes: coverage.lost(from, to),
        instances: coverage.instances(from, to),
      },
      records,
      unreadable: Math.max(0, records - Number(counted?.requests ?? 0)),
      async revisions() {
        const rows = await read('SELECT DISTINCT revision FROM asked WHERE revision IS NOT NULL ORDER BY 1');
        return rows.map(({ revision }) => String(revision));
      },
      async fold(eras) {
        await connection.run('CREATE OR REPLACE TEMP TABLE era (revision VARCHAR, era INTEGER)');
        const appender = await connection.createAppender('era', null, 'temp');
        for (const [revision, era] of eras) {
          appender.appendVarchar(revision);
          appender.appendInteger(era);
          appender.endRow();
        }
        appender.closeSync();
        await connection.run(foldRequests);
        again = keepFew(() => rowsOf(connection));
      },
      each: () => again(),
      close,
    };
  } catch (error) {
    await close();
    stopIfAborted(signal);
    throw logsUnreadable(error);
  }
}

/** So many are kept as they were read, for whoever asks for them again. */
const mostKept = 50_000;

/** Reads once what is few. */
function keepFew<T>(read: () => AsyncIterable<readonly T[]>): () => AsyncIterable<readonly T[]> {
  let kept: readonly (readonly T[])[] | null = null;
  return async function* () {
    if (kept !== null) return yield* kept;
    const some: (readonly T[])[] = [];
    let count = 0;
    for await (const one of read()) {
      count += one.length;
      if (count <= mostKept) some.push(one);
      yield one;
    }
    if (count <= mostKept) kept = some;
  };
}

async function windowSigns(options: Parameters<typeof readUsage>[0]): Promise<WindowSigns> {
  const usage = await readUsage(options);
  await usage.close();
  return usage;
}

async function* rowsOf(connection: DuckDBConnection): AsyncGenerator<readonly RecordedRequest[]> {
  const result = await connection.stream('SELECT * FROM folded ORDER BY place');
  const lists = new Map<string, readonly string[] | null>();
  /** Few lists come again and again. */
  const list = (text: unknown): readonly string[] | null => {
    if (typeof text !== 'string') return null;
    const known = lists.get(text);
    if (known !== undefined) return known;
    const value: unknown = JSON.parse(text);
    const found = Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
    if (lists.size < 10_000) lists.set(text, found);
    return found;
  };
  for await (const rows of result.yieldRowsJs())
    yield rows.map((row): RecordedRequest => {
      const [, subject, groups, api, operation, method, path, networks, mfa, params, claims, ...others] = row;
      const [facts, era, time, ...rest] = others;
      const [allow, requests, first, last] = rest;
      return {
        ...{ subject: text(subject), api: text(api), operation: text(operation) },
        ...{ method: text(method), path: text(path) },
        groups: list(groups),
        networks: list(networks),
        mfa: mfa === 'true' ? true : mfa === 'false' ? false : null,
        ...{ params: given(params, isGiven), claims: given(claims, isGiven), facts: given(facts, isFact) },
        era: Number(era),
        timeOfWeek: time === null ? null : Number(time),
        allow: allow === true,
        requests: Number(requests),
        first: Number(first) / 1000,
        last: Number(last) / 1000,
      };
    });
}

function text(json: unknown): string | null {
  if (typeof json !== 'string') return null;
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : null;
}

/** What is of no such form is not told. */
function given<T>(json: unknown, is: (value: unknown) => value is T): Readonly<Record<string, T>> {
  const value: unknown = typeof json === 'string' ? JSON.parse(json) : null;
  if (!isMapping(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((one): one is [string, T] => is(one[1])));
}

const isGiven = (value: unknown): value is string | null => value === null || typeof value === 'string';
/** A digest is an object, and no fact is. */
const isFact = (value: unknown): value is unknown =>
  value === null || typeof value !== 'object' || Array.isArray(value);
