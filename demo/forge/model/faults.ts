/** What a test wants to go wrong. */
export type Fault = {
  /** HTTP method; any when left out. */
  method?: string;
  /** Tested against the path without its query, for example `/api/v3/repos/northwind/access/pulls`. */
  path: RegExp;
  /** A status to answer, `hang` for no answer at all, or `reset` for a connection torn down. */
  status: number | 'hang' | 'reset';
  /** How often; 1 when left out. */
  times?: number;
  /** `after`: the call does its work and only its answer is lost or replaced. */
  when?: 'before' | 'after';
  message?: string;
  headers?: Record<string, string>;
};

export type Faults = {
  /** Arms a fault; the returned function disarms it. */
  fail: (fault: Fault) => () => void;
  /** The fault that hits this call, counted down; undefined when none does. */
  take: (method: string, path: string) => Fault | undefined;
};

export function createFaults(): Faults {
  const armed: { fault: Fault; left: number }[] = [];
  return {
    fail: (fault) => {
      const entry = { fault, left: fault.times ?? 1 };
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
      if (entry === undefined) return undefined;
      entry.left--;
      return entry.fault;
    },
  };
}
