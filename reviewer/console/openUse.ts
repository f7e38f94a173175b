import { daySeconds } from '../../bundle/format/times.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { callsIn } from '../evidence/calls.ts';
import { type KeptUsage, openKept } from '../evidence/usage.ts';
import { lastUses } from '../inventory/gatherInventory.ts';
import type { ObservedUse } from '../inventory/inventory.ts';
import {
  decisionOf,
  findDecisions,
  type PastDecision,
  type PastFilter,
  type Place,
} from './past/pastDecisions.ts';
import { pageSize } from './views/links.ts';

type Options = {
  /** What was read, by another process. */
  kept: KeptUsage;
  /** Seconds since 1970. */
  asOf: number;
  organisation: Organisation;
  signal: AbortSignal;
};

type Days = ReadonlyMap<string, readonly number[]>;

/** What is known of use, and the database to ask for more; to be closed. */
export type OpenUse = {
  seen: ObservedUse;
  /** API → uses of its grants a day, to today. */
  apiDays: Days;
  /** The same by the keys that are asked about; nothing for a key without use. */
  daysOf(asked: readonly { key: string; grant: string }[]): Promise<Days>;
  /** The newest decisions on record that fit, from a place on. */
  decisions(filter: PastFilter, behind: Place | null): ReturnType<typeof findDecisions>;
  decision(id: string): Promise<PastDecision | null>;
  /** What could not be read, and why. */
  missing: readonly string[];
  close(): Promise<void>;
};

/** So many days are drawn. */
export const shownDays = 90;
/** Opens what was read. Throws ReviewError. */
export async function openUse({ kept, asOf, organisation, signal }: Options): Promise<OpenUse> {
  const from = Math.floor(asOf / daySeconds) - shownDays + 1;
  const read = await openKept(kept, 0, signal);
  // One at a time: a question is a table of its own in the database.
  let asking: Promise<unknown> = Promise.resolve();
  let open = true;
  const inTurn = <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    const answer = asking.then(() => (open ? work() : otherwise));
    asking = answer.catch(() => {});
    return answer;
  };
  const daysOf: OpenUse['daysOf'] = (asked) =>
    inTurn(async () => {
      const found = new Map<string, number[]>();
      for (const { key, day: on, count } of await read.daily(asked, from)) {
        const days = found.get(key) ?? Array.from({ length: shownDays }, () => 0);
        found.set(key, days);
        if (on - from < shownDays) days[on - from] = count;
      }
      return found;
    }, new Map());
  try {
    const apiDays = await daysOf(organisation.grants.map(({ id: grant, api: key }) => ({ key, grant })));
    const calls = await callsIn(read.database);
    return {
      ...{ seen: { lastUse: await lastUses(read), calls, records: read.records }, apiDays, daysOf },
      missing: kept.loaded.unreadable.map(({ file, reason }) => `${file}: ${reason}`),
      decisions: (filter, behind) =>
        inTurn(() => findDecisions(read.database, filter, { behind, most: pageSize }), {
          ...{ decisions: [], more: false },
        }),
      decision: (id) => inTurn(() => decisionOf(read.database, id), null),
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
}
