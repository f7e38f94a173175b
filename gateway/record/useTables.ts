import type { DecisionRecord } from './record.ts';
import { createRows } from './rows.ts';
import type { UsageLine } from './usageLine.ts';

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
export const most = { uses: 500_000, together: 100_000, denied: 10_000 } as const;

/** Separates what may be any name. */
const cut = '\u0000';
const earlier = (a: string, b: string) => (a < b ? a : b);
const later = (a: string, b: string) => (a > b ? a : b);

/** `onFull` is told when uses are left out. */
export function createUseTables(onFull: () => void): UseTables {
  /** By operation, then by grant: a map for each of many grants would take more than its uses. */
  const uses = new Map<string, Map<string, Counting>>();
  const together = new Map<string, Together>();
  const denied = new Map<string, Denied>();
  const useRows = createRows<Use>(byName);
  const togetherRows = createRows<Together>((a, b) => order(keyOf(a), keyOf(b)));
  const deniedRows = createRows<Denied>((a, b) => order(placeOf(a), placeOf(b)));
  const tables = [useRows, togetherRows, deniedRows];
  let counts = 0;

  const useOf = (grant: string, operation: string, api: string): Counting | null => {
    let ofOperation = uses.get(operation);
    const known = ofOperation?.get(grant);
    if (known !== undefined) return known;
    if (useRows.size >= most.uses) {
      onFull();
      return null;
    }
    if (ofOperation === undefined) {
      ofOperation = new Map();
      uses.set(operation, ofOperation);
    }
    const fresh = { grant, operation, count: 0, first: '', last: '', api, busiest: 0, mfa: 0 };
    const counting: Counting = { use: fresh, minute: -1, times: 0 };
    ofOperation.set(grant, counting);
    useRows.add(fresh);
    return counting;
  };
  const use = (counting: Counting, timestamp: string, minute: number, mfa: boolean) => {
    const held = counting.use;
    useRows.touch(held);
    counts += 1;
    held.count += 1;
    if (held.first === '' || timestamp < held.first) held.first = timestamp;
    if (timestamp > held.last) held.last = timestamp;
    if (mfa) held.mfa += 1;
    // One that comes late counts with the minute that is counted: rather too busy than too little.
    if (minute > counting.minute) {
      counting.minute = minute;
      counting.times = 0;
    }
    counting.times += 1;
    if (counting.times > held.busiest) held.busiest = counting.times;
  };
  const share = (grants: readonly string[], operation: string, count: number) => {
    const key = [operation, ...grants].join(cut);
    const known = together.get(key);
    if (known !== undefined) {
      togetherRows.touch(known);
      known.count += count;
      counts += count;
      // Left out it costs no more than that of two grants that cover each other none is told redundant.
    } else if (together.size < most.together) {
      const fresh = { together: [...grants], operation, count };
      together.set(key, fresh);
      togetherRows.add(fresh);
      counts += count;
    }
  };
  const refuse = (reason: string, api: string, operation: string, timestamp: string): Denied | undefined => {
    const key = [reason, api, operation].join(cut);
    const known = denied.get(key);
    if (known !== undefined) {
      deniedRows.touch(known);
      counts += 1;
      known.count += 1;
      known.first = earlier(known.first, timestamp);
      known.last = later(known.last, timestamp);
    } else if (denied.size < most.denied) {
      const fresh = { denied: reason, api, operation, count: 1, first: timestamp, last: timestamp };
      denied.set(key, fresh);
      deniedRows.add(fresh);
      counts += 1;
    }
    return denied.get(key);
  };

  return {
    get size() {
      return useRows.size + togetherRows.size + deniedRows.size;
    },
    get counts() {
      return counts;
    },
    add({ timestamp, input, result, status }, minute) {
      const { operation, api, mfa } = input;
      if (!result.allow || status === 429) {
        refuse(result.allow ? 'limited' : result.reason, api, operation, timestamp);
        return;
      }
      for (const grant of result.grants) {
        const counting = useOf(grant, operation, api);
        if (counting !== null) use(counting, timestamp, minute, mfa);
      }
      if (result.grants.length > 1) share(result.grants, operation, 1);
    },
    restore(line) {
      if ('grant' in line) {
        const counting = useOf(line.grant, line.operation, line.api ?? '');
        if (counting === null) return;
        const { count, first, last, busiest = 0, mfa = 0 } = line;
        counts += count - counting.use.count;
        Object.assign(counting.use, { count, first, last, busiest, mfa });
      } else if ('together' in line) share(line.together, line.operation, line.count);
      else {
        const { denied: reason, api, operation, count, first, last } = line;
        const held = refuse(reason, api, operation, first);
        if (held === undefined) return;
        counts += count - held.count;
        Object.assign(held, { count, last });
      }
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
