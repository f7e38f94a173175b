import type { DecisionRecord } from './record.ts';
import { createRows } from './rows.ts';
import type { UsageLine, UseLine } from './usageLine.ts';

type Use = {
  grant: string;
  operation: string;
  count: number;
  first: string;
  last: string;
  api: string;
  busiest: number;
  mfa: number;
};
/** A use with the minute that is counted at the moment, and how often it was in it. */
type Counting = { use: Use; minute: number; times: number };
type Together = { together: string[]; operation: string; count: number };
type Denied = {
  denied: string;
  api: string;
  operation: string;
  count: number;
  first: string;
  last: string;
};

export type UseRow = Use | Together | Denied;

/** What was used and denied on a day: a row for each line that its roll-up has. */
export type UseTables = {
  readonly size: number;
  /** The sum of all counts. */
  readonly counts: number;
  /** Counts a decision; `minute` is that of its timestamp. */
  add(entry: Pick<DecisionRecord, 'timestamp' | 'input' | 'result' | 'status'>, minute: number): void;
  restore(line: Exclude<UsageLine, { coverage: unknown }>): void;
  /** Table by table, each sorted. */
  sorted(): Iterable<UseRow>[];
  /** The same as they are now, whatever is added meanwhile; null wherever a turn may end. To be thawed then. */
  freeze(): Iterable<UseRow | null>[];
  thaw(): void;
};

/** Past so many lines of one kind a day is cut: it takes no more memory, and vouches for nothing. */
export const mostRows = { uses: 500_000, together: 100_000, denied: 10_000 } as const;

/** Separates what may be any name. */
const cut = '\u0000';
const earlier = (a: string, b: string) => (a < b ? a : b);
const later = (a: string, b: string) => (a > b ? a : b);

type Input = DecisionRecord['input'];

/** How often, and when, each grant was used for each operation. */
function createUses(onFull: () => void) {
  /** By operation, then by grant: a map for each of many grants would take more than its uses. */
  const known = new Map<string, Map<string, Counting>>();
  const rows = createRows<Use>(byName);
  let counts = 0;

  const countingOf = (grant: string, operation: string, api: string): Counting | null => {
    let ofOperation = known.get(operation);
    const counting = ofOperation?.get(grant);
    if (counting !== undefined) return counting;
    if (rows.size >= mostRows.uses) {
      onFull();
      return null;
    }
    if (ofOperation === undefined) {
      ofOperation = new Map();
      known.set(operation, ofOperation);
    }
    const use = { grant, operation, count: 0, first: '', last: '', api, busiest: 0, mfa: 0 };
    const fresh: Counting = { use, minute: -1, times: 0 };
    ofOperation.set(grant, fresh);
    rows.add(use);
    return fresh;
  };
  const count = (counting: Counting, timestamp: string, minute: number, mfa: boolean) => {
    const { use } = counting;
    rows.touch(use);
    counts += 1;
    use.count += 1;
    if (use.first === '' || timestamp < use.first) use.first = timestamp;
    if (timestamp > use.last) use.last = timestamp;
    if (mfa) use.mfa += 1;
    // One that comes late counts with the minute that is counted: rather too busy than too little.
    if (minute > counting.minute) {
      counting.minute = minute;
      counting.times = 0;
    }
    counting.times += 1;
    if (counting.times > use.busiest) use.busiest = counting.times;
  };

  return {
    rows,
    get counts() {
      return counts;
    },
    add(grants: readonly string[], { operation, api, mfa }: Input, timestamp: string, minute: number): void {
      for (const grant of grants) {
        const counting = countingOf(grant, operation, api);
        if (counting !== null) count(counting, timestamp, minute, mfa);
      }
    },
    restore({ grant, operation, api = '', count, first, last, busiest = 0, mfa = 0 }: UseLine): void {
      const counting = countingOf(grant, operation, api);
      if (counting === null) return;
      counts += count - counting.use.count;
      Object.assign(counting.use, { count, first, last, busiest, mfa });
    },
  };
}

/** How often several grants justified the same request. */
function createTogether() {
  const known = new Map<string, Together>();
  const rows = createRows<Together>((a, b) => order(keyOf(a), keyOf(b)));
  let counts = 0;
  return {
    rows,
    get counts() {
      return counts;
    },
    add(grants: readonly string[], operation: string, count: number): void {
      const key = [operation, ...grants].join(cut);
      const row = known.get(key);
      if (row !== undefined) {
        rows.touch(row);
        row.count += count;
        counts += count;
        // Where one is left out, nobody is told that its grants cover each other, and no more than that.
      } else if (known.size < mostRows.together) {
        const fresh = { together: [...grants], operation, count };
        known.set(key, fresh);
        rows.add(fresh);
        counts += count;
      }
    },
  };
}

/** How often, and when, requests were denied for each reason. */
function createDenials() {
  const known = new Map<string, Denied>();
  const rows = createRows<Denied>((a, b) => order(placeOf(a), placeOf(b)));
  let counts = 0;

  const add = (
    reason: string,
    { api, operation }: Pick<Input, 'api' | 'operation'>,
    timestamp: string,
  ): Denied | undefined => {
    const key = [reason, api, operation].join(cut);
    const row = known.get(key);
    if (row !== undefined) {
      rows.touch(row);
      counts += 1;
      row.count += 1;
      row.first = earlier(row.first, timestamp);
      row.last = later(row.last, timestamp);
      return row;
    }
    if (known.size >= mostRows.denied) return undefined;
    const fresh = { denied: reason, api, operation, count: 1, first: timestamp, last: timestamp };
    known.set(key, fresh);
    rows.add(fresh);
    counts += 1;
    return fresh;
  };

  return {
    rows,
    get counts() {
      return counts;
    },
    add,
    restore(line: Denied): void {
      const { denied: reason, count, first, last } = line;
      const row = add(reason, line, first);
      if (row === undefined) return;
      counts += count - row.count;
      Object.assign(row, { count, last });
    },
  };
}

/** `onFull` is told when uses are left out. */
export function createUseTables(onFull: () => void): UseTables {
  const uses = createUses(onFull);
  const together = createTogether();
  const denials = createDenials();
  const tables = [uses.rows, together.rows, denials.rows];
  return {
    get size() {
      return uses.rows.size + together.rows.size + denials.rows.size;
    },
    get counts() {
      return uses.counts + together.counts + denials.counts;
    },
    add({ timestamp, input, result, status }, minute) {
      const { allow, reason, grants } = result;
      if (!allow || status === 429) {
        denials.add(allow ? 'limited' : reason, input, timestamp);
        return;
      }
      uses.add(grants, input, timestamp, minute);
      if (grants.length > 1) together.add(grants, input.operation, 1);
    },
    restore(line) {
      if ('grant' in line) uses.restore(line);
      else if ('together' in line) together.add(line.together, line.operation, line.count);
      else denials.restore(line);
    },
    sorted: () => tables.map((rows) => rows.sorted()),
    freeze: () => tables.map((rows) => rows.freeze()),
    thaw() {
      for (const rows of tables) rows.thaw();
    },
  };
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byName = (a: Use, b: Use) => order(a.grant, b.grant) || order(a.operation, b.operation);
const keyOf = ({ operation, together }: Together) => [operation, ...together].join(cut);
const placeOf = ({ denied, api, operation }: Denied) => [denied, api, operation].join(cut);
