/** When a branch has moved, as far as looks at it tell. Times are milliseconds since 1970. */
export type BranchMoves = {
  lookBegan(): void;
  /** It ended well: by then what is in force was the branch's newest. */
  lookEnded(): void;
  /** Somebody has told of a push. */
  pushed(): void;
  /** The earliest at which it can have moved to what the look under way shows; null when no look before showed it otherwise. */
  movedMs(): number | null;
};

/** A branch was where it was when it was last looked at, and until somebody told of a push. */
export function createBranchMoves(now: () => number): BranchMoves {
  let seenMs: number | null = null;
  let beganMs = 0;
  /** The last word of a push, and that before the look. */
  let [askedMs, toldMs] = [0, 0];
  return {
    lookBegan() {
      beganMs = now();
      toldMs = askedMs;
    },
    lookEnded() {
      seenMs = beganMs;
    },
    pushed() {
      askedMs = now();
    },
    movedMs: () => (seenMs === null ? null : Math.max(seenMs, toldMs)),
  };
}
