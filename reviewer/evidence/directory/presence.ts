import type { DirectoriesAt } from './directoriesAt.ts';

/** Follows which of some names, folded, directories know; instants in seconds since 1970. */
export function createPresence(watched: ReadonlySet<string>) {
  /** Whose provider is not read any more, since when. */
  const unread = new Map<string, number>();
  const everKnown = new Set<string>();
  const missing = new Map<string, number>();
  return {
    ...{ unread, everKnown, missing },
    noteUnread(names: readonly string[], at: number): void {
      for (const name of names) unread.set(name, at);
    },
    step(at: number, { knows }: Pick<DirectoriesAt, 'knows'>): void {
      for (const name of watched)
        if (knows(name)) {
          everKnown.add(name);
          unread.delete(name);
          missing.delete(name);
        } else if (!missing.has(name)) missing.set(name, at);
    },
    /** Whether one was known, and its provider is still read. */
    isFollowed: (name: string): boolean => everKnown.has(name) && !unread.has(name),
  };
}
