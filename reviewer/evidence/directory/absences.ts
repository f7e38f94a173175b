import { daySeconds } from '../../../bundle/format/times.ts';

/** The last syncs of one provider in a row that do not know somebody; seconds since 1970. */
export type Absence = { syncs: number; from: number; to: number };

/** A provider that does not know somebody. */
type Unknowing = { provider: string; run: Absence; knew: boolean };

/** A file that nobody read in so long before somebody was lost is kept by hand: no sync of it is to come. */
const byHandSeconds = 30 * daySeconds;

/** Follows which providers do not know somebody, one sync after the other. */
export function createAbsences(principals: ReadonlySet<string>) {
  const absent = new Map<string, Map<string, Absence>>();
  return {
    /** A provider's file as it is from `at` on; `isSync`: it was read anew, not edited. */
    note(
      provider: string,
      { at, isSync, knows }: { at: number; isSync: boolean; knows(name: string): boolean },
    ): void {
      const runs = absent.get(provider) ?? new Map<string, Absence>();
      absent.set(provider, runs);
      for (const name of principals) {
        const run = runs.get(name);
        if (knows(name)) runs.delete(name);
        // Taken out by hand: no sync has said so yet.
        else if (run === undefined) runs.set(name, { syncs: isSync ? 1 : 0, from: at, to: at });
        // By when it was committed at the latest: a clock that is ahead does not make two syncs a day apart.
        else if (isSync)
          runs.set(name, {
            syncs: run.syncs + 1,
            from: run.syncs === 0 ? at : run.from,
            to: Math.max(run.from, at),
          });
      }
    },
    /** It says nothing for a while, not even that the syncs before and after follow each other. */
    interrupt: (provider: string): void => absent.get(provider)?.clear(),
    /** It knew them at `at`, as a merged branch tells: who is missing was not all the time. */
    noteKnown(provider: string, at: number, knows: (name: string) => boolean): void {
      const runs = absent.get(provider);
      for (const [name, { from }] of runs ?? []) if (from <= at && knows(name)) runs?.delete(name);
    },
    remove: (provider: string): boolean => absent.delete(provider),
    /** Of those whose file is there: whom it does not know. */
    runs: (provider: string): ReadonlyMap<string, Absence> => absent.get(provider) ?? new Map(),
  };
}

/**
 * Whose word counts that nobody knows somebody: a provider that never did, or lost them before another had them, need not
 * be read again for that; it may be a file that is kept by hand. `awaited` are those that are read, and were not since.
 */
export function deciding(absences: readonly Unknowing[]): { decisive: Absence[]; awaited: string[] } {
  const lost = absences.filter(({ knew }) => knew).map(({ run }) => run);
  if (lost.length === 0)
    return {
      decisive: absences
        .map(({ run }) => run)
        .sort((a, b) => b.syncs - a.syncs)
        .slice(0, 1),
      awaited: [],
    };
  const last = Math.max(...lost.map(({ from }) => from));
  const isAwaited = ({ run: { syncs, to } }: Unknowing) =>
    to < last && (syncs > 1 || last - to < byHandSeconds);
  return {
    decisive: lost.filter(({ from }) => from === last),
    awaited: absences.filter(isAwaited).map(({ provider }) => provider),
  };
}
