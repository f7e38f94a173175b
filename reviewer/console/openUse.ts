import type { Organisation } from '../../bundle/grants/organisation.ts';
import { readCalls } from '../evidence/calls.ts';
import { readUsage } from '../evidence/usage.ts';
import { lastUses } from '../inventory/gather.ts';
import type { Seen } from '../inventory/inventory.ts';
import { openSources } from '../sources/openSources.ts';

type Options = {
  decisions: readonly string[];
  usage: readonly string[];
  adminToken: string | null;
  /** Seconds since 1970. */
  asOf: number;
  organisation: Organisation;
  signal: AbortSignal;
};

type Days = ReadonlyMap<string, readonly number[]>;

/** What is known of use, and the database to ask for more; to be closed. */
export type OpenUse = {
  seen: Seen;
  /** API → uses of its grants a day, to today. */
  apiDays: Days;
  /** The same by the keys that are asked about; nothing for a key without use. */
  daysOf(asked: readonly { key: string; grant: string }[]): Promise<Days>;
  /** What could not be read, and why. */
  missing: readonly string[];
  close(): Promise<void>;
};

/** So many days are drawn. */
export const shownDays = 90;
const day = 86_400;

/** Reads records and roll-ups; null where there are none. Throws ReviewError. */
export async function openUse({
  decisions,
  usage,
  adminToken,
  asOf,
  organisation,
  signal,
}: Options): Promise<OpenUse | null> {
  const today = Math.floor(asOf / day);
  const from = today - shownDays + 1;
  const since = new Date((asOf - 500 * day) * 1000).toISOString().slice(0, 10);
  const sources = await openSources({ decisions, usage, since, token: adminToken, signal });
  try {
    const read = await readUsage({
      sources: sources.decisions,
      rollups: sources.rollups,
      asOf,
      since: 0,
      signal,
    });
    try {
      const missing = [...sources.unreachable, ...read.unreadable].map(
        ({ file, reason }) => `${sources.origin(file)}: ${reason}`,
      );
      if (read.files === 0 && missing.length === 0) {
        await read.close();
        return null;
      }
      // One at a time: a question is a table of its own in the database.
      let asking: Promise<unknown> = Promise.resolve();
      let open = true;
      const ask = async (asked: readonly { key: string; grant: string }[]): Promise<Days> => {
        const found = new Map<string, number[]>();
        if (!open) return found;
        for (const { key, day: on, count } of await read.daily(asked, from)) {
          const days = found.get(key) ?? Array.from({ length: shownDays }, () => 0);
          found.set(key, days);
          if (on - from < shownDays) days[on - from] = count;
        }
        return found;
      };
      const daysOf: OpenUse['daysOf'] = (asked) => {
        const answer = asking.then(() => ask(asked));
        asking = answer.catch(() => {});
        return answer;
      };
      const apiDays = await daysOf(organisation.grants.map(({ id: grant, api: key }) => ({ key, grant })));
      const seen = {
        lastUse: await lastUses(read),
        calls: await readCalls(sources.decisions, asOf, signal),
        records: read.records,
      };
      return {
        ...{ seen, apiDays, daysOf, missing },
        async close() {
          open = false;
          await asking;
          await read.close();
        },
      };
    } catch (error) {
      await read.close();
      throw error;
    }
  } finally {
    await sources.close();
  }
}
