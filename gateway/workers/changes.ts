/** Something that others wait for changes. */
export type Changes = {
  /** It has changed: whoever waits looks again. */
  happened(): void;
  /** Settles with true as soon as a condition is met, with false when the time is up. */
  until(met: () => boolean, ms: number): Promise<boolean>;
};

export function createChanges(): Changes {
  let waiting: (() => void)[] = [];
  return {
    happened() {
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    async until(met, ms) {
      const endMs = performance.now() + ms;
      while (!met()) {
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) return false;
        await new Promise<void>((done) => {
          const timer = setTimeout(done, leftMs);
          waiting.push(() => {
            clearTimeout(timer);
            done();
          });
        });
      }
      return true;
    },
  };
}
