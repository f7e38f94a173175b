import type { Stored } from './state.ts';

/** What a test wants to go wrong. */
export type Fault = {
  /** HTTP method; any when left out. */
  method?: string;
  /** Tested against the path without its query, for example `/api/v3/repos/northwind/access/pulls`. */
  path: RegExp;
  /**
   * A status to answer, `hang` for no answer at all, `reset` for a connection torn down, `cut` for one torn down in the
   * middle of the answer, after the work, or `stale` for what stood when the fault was armed: a list that lags, a read
   * from a replica that is behind.
   */
  status: number | 'hang' | 'reset' | 'cut' | 'stale';
  /** How often; 1 when left out. */
  times?: number;
  /** How many such calls go well before; none when left out. */
  skip?: number;
  /** `after`: the call does its work and only its answer is lost or replaced. */
  when?: 'before' | 'after';
  message?: string;
  headers?: Record<string, string>;
};

/** A fault with the state that stood when it was armed. */
export type Armed = { fault: Fault; past: Stored | undefined };

export type Faults = {
  /** Arms a fault; the returned function disarms it. */
  fail: (fault: Fault, past?: Stored) => () => void;
  /** The fault that hits this call, counted down; undefined when none does. */
  take: (method: string, path: string) => Armed | undefined;
};

export function createFaults(): Faults {
  const armed: (Armed & { left: number; skip: number })[] = [];
  return {
    fail: (fault, past) => {
      const entry = { fault, past, left: fault.times ?? 1, skip: fault.skip ?? 0 };
      armed.push(entry);
      return () => {
        entry.left = 0;
      };
    },
    take: (method, path) => {
      const entry = armed.find(
        ({ fault, left }) =>
          left > 0 &&
          (fault.method === undefined || fault.method.toUpperCase() === method) &&
          // A pattern with the "g" flag would remember where it stopped.
          new RegExp(fault.path.source, fault.path.flags.replace(/[gy]/g, '')).test(path),
      );
      if (entry === undefined || entry.skip-- > 0) return undefined;
      entry.left--;
      return entry;
    },
  };
}
