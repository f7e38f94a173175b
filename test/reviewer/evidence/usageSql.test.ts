import * as assert from 'node:assert/strict';
import type { DuckDBConnection } from '@duckdb/node-api';
import { loadAll } from '../../../reviewer/evidence/usageSql.ts';
import { suite } from '../../_suite.ts';

const test = suite('usageSql');

/** Reads in a database that says so of whatever names `bad`. */
async function loaded(files: readonly string[], says: string) {
  const asked: string[][] = [];
  const connection = {
    async run(sql: string) {
      const named = /read_json\(\[(.*?)\]/.exec(sql)?.[1];
      if (named === undefined) return;
      asked.push(named.split(','));
      if (named.includes('bad')) throw new Error(says);
    },
  } as unknown as DuckDBConnection;
  const loading = { asOfMs: 0, nowMs: 0, whole: false };
  const unreadable = await loadAll(connection, files, loading).catch(() => 'it fails');
  return [unreadable, asked.length];
}

test('of several files that one which cannot be read is named, by reading each', async () => {
  assert.deepEqual(await loaded(['a', 'b'], 'broken'), [[], 1]);
  assert.deepEqual(await loaded(['a', 'bad', 'b'], 'broken\nat 7'), [[{ file: 'bad', reason: 'broken' }], 4]);
});

test('one file alone is named where it is known what may be wrong with it, and nobody reads it twice for less', async () => {
  assert.deepEqual(await loaded(['bad'], 'broken'), ['it fails', 1]);
  assert.deepEqual(await loaded(['bad.gz'], 'broken'), [[{ file: 'bad.gz', reason: 'broken' }], 2]);
  const reason = 'a line of it is too long to be read';
  assert.deepEqual(await loaded(['bad'], 'over maximum_object_size'), [[{ file: 'bad', reason }], 2]);
});

test('who ends the reading ends it', async () => {
  assert.deepEqual(await loaded(['a', 'bad'], 'INTERRUPT Error: Interrupted!'), ['it fails', 1]);
});
