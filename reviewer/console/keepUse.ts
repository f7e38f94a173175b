import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../bundle/format/messageOf.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { KeptUsage } from '../evidence/usage.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import type { Background } from './background.ts';
import { type OpenUse, openUse } from './openUse.ts';
import { stampOfFiles } from './stampOf.ts';
import type { Standing } from './views/frame.ts';

type Options = {
  decisions: readonly string[];
  usage: readonly string[];
  adminToken: string | null;
  /** Milliseconds since 1970. */
  now: () => number;
  background: Background;
  signal: AbortSignal;
};

type Reading = {
  /** As it is once the records are read. */
  organisation(): Organisation;
  /** What is open now; the one before is closed. */
  taken(opened: OpenUse | null): Promise<void>;
};

/** What records tell of use, read anew from time to time. */
export type UseKeeper = {
  /** Null while nothing is known. */
  opened(): OpenUse | null;
  /** What was read, where another process may find it. */
  kept(): KeptUsage | null;
  /** What is to be said of it; null for nothing. */
  note(): Standing['notes'][number] | null;
  /** Reads records as of an instant, seconds since 1970; what goes wrong is noted, and nothing is thrown. */
  read(asOf: number, reading: Reading): Promise<void>;
  close(): Promise<void>;
};

/** Nothing is read before `read`; `signal` stops one that is under way. */
export function keepUse({ decisions, usage, adminToken, now, background, signal }: Options): UseKeeper {
  let home: string | null = null;
  let opened: OpenUse | null = null;
  let kept: KeptUsage | null = null;
  let keptOf: string | null = null;
  let files = 0;
  let note: Standing['notes'][number] | null = null;

  /** Reads records where there are others than before: once, for all that is told of them. */
  const readRecords = async (asOf: number): Promise<KeptUsage | null> => {
    const found = usage.some((one) => /^https?:/i.test(one))
      ? null
      : await stampOfFiles([...decisions, ...usage]);
    if (found !== null && found === keptOf) return kept;
    note = { text: 'Decision records are being read; what is said of use follows.' };
    home ??= await temporaryFolder('console');
    files += 1;
    const file = join(home, `records-${files}.db`);
    const next = await background.ask('read', {
      ...{ file, decisions, usage, adminToken, asOf },
      readAt: Math.floor(now() / 1000),
    });
    keptOf = found;
    return next;
  };

  const noteOf = (open: OpenUse | null): typeof note => {
    if (open === null) {
      const named = [...decisions, ...usage].join(', ') || 'what was named';
      return { text: `There are no decision records in ${named}, so nothing is said of use.` };
    }
    if (open.missing.length === 0) return null;
    const missing = open.missing.slice(0, 5).join('; ');
    return { text: `Some records cannot be read, so uses may be missing: ${missing}`, bad: true };
  };

  return {
    opened: () => opened,
    kept: () => kept,
    note: () => note,
    async read(asOf, { organisation, taken }) {
      try {
        const next = await readRecords(asOf);
        const open =
          next === null ? null : await openUse({ kept: next, asOf, organisation: organisation(), signal });
        if (signal.aborted) return await open?.close();
        const before = { opened, kept };
        [opened, kept] = [open, next];
        await before.opened?.close();
        if (before.kept !== null && before.kept.file !== next?.file)
          await rm(before.kept.file, { force: true });
        note = noteOf(open);
        await taken(open);
      } catch (error) {
        keptOf = null;
        const why = messageOf(error);
        note = { text: `Nothing is known of use: ${why}`, bad: true };
      }
    },
    async close() {
      await opened?.close();
      if (home !== null) await rm(home, { recursive: true, force: true });
    },
  };
}
