/** The newest lines of the decision log, for whoever looks on. Nothing is shown that is not on record already. */
export type RecordFeed = {
  /** Takes what has just been written. */
  push(lines: readonly string[]): void;
  /** Lines with their line ends, the oldest first. */
  recent(): string[];
  /** Hands on what comes from now on, until the result is called. */
  follow(take: (lines: readonly string[]) => void): () => void;
  readonly followers: number;
};

/** Keeps the last `most` lines. */
export function createRecordFeed(most = 200): RecordFeed {
  const kept: string[] = [];
  let next = 0;
  const followers = new Set<(lines: readonly string[]) => void>();
  return {
    push(lines) {
      for (const line of lines) {
        kept[next] = line;
        next = (next + 1) % most;
      }
      for (const take of followers) take(lines);
    },
    recent: () => [...kept.slice(next), ...kept.slice(0, next)],
    follow(take) {
      // One that is given twice is two.
      const own = (lines: readonly string[]) => take(lines);
      followers.add(own);
      return () => void followers.delete(own);
    },
    get followers() {
      return followers.size;
    },
  };
}
