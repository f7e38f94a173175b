import { closeSync, fsync, fsyncSync } from 'node:fs';

/** Files that are complete, on their way to the disk: what is written next does not wait for that. */
export type SyncLater = {
  /** Flushes a file and closes it. */
  close(fd: number): void;
  /** Throws what a file could not be flushed of, once. */
  assertFlushed(): void;
  /** Waits for those under way. Throws when one cannot be flushed. */
  finish(): void;
};

export function createSyncLater(sync: Sync = fsync): SyncLater {
  const inFlight = new Set<number>();
  let failure: Error | null = null;
  return {
    close(fd) {
      inFlight.add(fd);
      sync(fd, (error) => {
        inFlight.delete(fd);
        failure ??= error;
        closeSync(fd);
      });
    },
    assertFlushed() {
      const known = failure;
      failure = null;
      if (known !== null) throw known;
    },
    finish() {
      for (const fd of inFlight) fsyncSync(fd);
      this.assertFlushed();
    },
  };
}

type Sync = (fd: number, done: (error: Error | null) => void) => void;
