import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewRecord } from '../../../gateway/record/recordLine.ts';
import { openRecordWriter, type RecordWriter } from '../../../gateway/record/recordWriter.ts';
import type { UsageLine } from '../../../gateway/record/usageLine.ts';
import type { Suite } from '../../_suite.ts';
import { newRecord } from './_record.ts';

const folders: string[] = [];
export const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'grantgate-records-'));
  folders.push(made);
  return made;
};
/** Removes the folders once a suite has ended. */
export const removesFolders = (test: Suite): void =>
  test.after(() => {
    for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
  });

export const start = Date.parse('2026-11-23T23:59:58Z');
export const day = 86_400_000;
export const entry = (at: number, allow = true, status?: number): NewRecord =>
  newRecord(at, {
    ...(!allow && { result: { allow, grants: [], reason: 'no-grant' } }),
    ...(status !== undefined && { status }),
  });
export const allLines = (home: string, name: string) =>
  readFileSync(join(home, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
/** What was written between the file's header and the writer's word that it stops. */
export const lines = (home: string, name: string) =>
  allLines(home, name).filter(({ stopped, chain }) => stopped !== true && chain === undefined);
/** What `/usage` answers. */
export const usageFrom = ({ usage }: RecordWriter, since: string): UsageLine[] => {
  const text = Buffer.concat([...(usage?.texts(since) ?? [])]).toString();
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
};
export const files = (home: string) =>
  readdirSync(home)
    .filter((name) => name.endsWith('.ndjson'))
    .sort();

/** Opens a writer in a folder, each time it is called. */
export const opener = (root: string, now: () => number) => () =>
  openRecordWriter({ folder: join(root, 'decisions'), usage: join(root, 'usage'), instance: 'gw-1', now });
