import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { NewRecord } from '../../../gateway/record/recordLine.ts';
import { openRecordWriter } from '../../../gateway/record/recordWriter.ts';
import { readUsage } from '../../../reviewer/evidence/usage.ts';
import { readArchives } from '../../../reviewer/records/readArchive.ts';
import { type ChainResult, verifyChain } from '../../../reviewer/records/verifyChain.ts';
import { newRecord } from '../../gateway/record/_record.ts';

export const firstDay = Date.parse('2026-03-01T12:00:00Z');
export const dayMs = 86_400_000;

export const record = (at: number, subject: string, id = `id-${at}`): NewRecord =>
  newRecord(at, {
    decision_id: id,
    input: { subject, groups: ['group:büro'], mfa: true },
    result: { allow: true, grants: ['orders-read', 'orders-all'], reason: 'granted' },
  });

/** Files as a gateway writes them: a few records and heartbeats on each of `days` days, restarted on each, in a new folder. */
export function writeArchive(
  days: number,
  subjects: readonly string[] = ['user:ann@example.com', 'user:bob'],
) {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-archive-'));
  const clock = { now: firstDay };
  const places = { decisions: join(root, 'd'), usage: join(root, 'u') };
  const open = () =>
    openRecordWriter({
      ...{ folder: places.decisions, usage: places.usage, state: join(root, 's'), instance: 'gw-1' },
      now: () => clock.now,
    });
  for (let day = 0; day < days; day += 1) {
    clock.now = firstDay + day * dayMs;
    const writer = open();
    for (let count = 0; count < 4; count += 1) {
      writer.write(record(clock.now, subjects[count % subjects.length] ?? '', `${day}-${count}`));
      writer.heartbeat();
      writer.flush();
      clock.now += 30_000;
    }
    writer.close();
  }
  const home = join(places.decisions, 'gw-1');
  const copies: string[] = [];
  return {
    ...{ root, ...places, home, clock, open },
    file: (day: number) => join(home, `${dayOf(day)}.ndjson`),
    rollup: (day: number) => join(places.usage, 'gw-1', `${dayOf(day)}.ndjson`),
    manifest: join(home, 'manifest.jsonl'),
    names: () => readdirSync(home).sort(),
    verify: () => verified(places.decisions),
    /** The same in another folder, to spoil; it goes with this one. */
    copy(): string {
      const to = mkdtempSync(join(tmpdir(), 'grantgate-archive-'));
      copies.push(to);
      cpSync(root, to, { recursive: true, preserveTimestamps: true });
      return to;
    },
    remove() {
      for (const folder of [root, ...copies]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const dayOf = (day: number): string => new Date(firstDay + day * dayMs).toISOString().slice(0, 10);

export async function verified(...folders: readonly string[]): Promise<ChainResult> {
  const [archive] = await readArchives(folders);
  if (archive === undefined) throw new Error('there is nothing to verify');
  return verifyChain(archive);
}

export const kinds = ({ breaks }: ChainResult) =>
  breaks.map(({ kind, file }) => [kind, file.replace(/^.*\//, '')]);

export function compress(path: string, packing: 'gz' | 'zst'): void {
  const bytes = readFileSync(path);
  writeFileSync(`${path}.${packing}`, packing === 'gz' ? gzipSync(bytes) : zstdCompressSync(bytes));
  unlinkSync(path);
}

/** What a review would know: uses, instances and how far they vouch. */
export async function evidence(decisions: string, usage: string | null, days: number) {
  const read = await readUsage({
    sources: [decisions],
    rollups: usage === null ? [] : [usage],
    asOf: firstDay / 1000 + days * 86_400,
    since: 0,
  });
  try {
    const { records, faulty, unreadable } = read;
    const instances = read.instances.map((one) => ({ ...one, ends: [...one.ends].sort() }));
    return { uses: await read.uses(), instances, records, faulty, unreadable };
  } finally {
    await read.close();
  }
}
