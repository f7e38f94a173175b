/** Rows that go on counting while what they were at one moment is read, a few at a time. */
export type Rows<Row extends object> = {
  readonly size: number;
  add(row: Row): void;
  /** To be called before a row changes. */
  touch(row: Row): void;
  /** All of them, sorted. */
  sorted(): Row[];
  /**
   * What they are now, sorted, whatever changes meanwhile; null wherever a turn of the event loop may end. Before the
   * next one this must have ended, or been thawed.
   */
  freeze(): Generator<Row | null, void>;
  /** Nobody reads on. */
  thaw(): void;
};

/** Rows, or comparisons, between two places where a turn may end. */
const atOnce = 100;

/** `order` must look only at what never changes in a row. */
export function createRows<Row extends object>(order: (a: Row, b: Row) => number): Rows<Row> {
  const all: Row[] = [];
  /** The first ones of them, as the last freeze has sorted them. */
  let known: readonly Row[] = [];
  let copies: Map<Row, Row> | null = null;

  function* merge(one: readonly Row[], other: readonly Row[]): Generator<null, Row[]> {
    const merged: Row[] = [];
    let [here, there] = [0, 0];
    for (;;) {
      const [a, b] = [one[here], other[there]];
      const first = b === undefined || (a !== undefined && order(a, b) <= 0) ? a : b;
      if (first === undefined) return merged;
      if (first === a) here += 1;
      else there += 1;
      merged.push(first);
      if (merged.length % atOnce === 0) yield null;
    }
  }
  function* inOrder(fresh: readonly Row[]): Generator<null, readonly Row[]> {
    let runs: (readonly Row[])[] = [];
    for (let at = 0; at < fresh.length; at += atOnce) {
      runs.push(fresh.slice(at, at + atOnce).sort(order));
      yield null;
    }
    while (runs.length > 1) {
      const pairs: (readonly Row[])[] = [];
      for (let at = 0; at < runs.length; at += 2)
        pairs.push(yield* merge(runs[at] ?? [], runs[at + 1] ?? []));
      runs = pairs;
    }
    return runs[0] ?? [];
  }
  function* read(count: number, frozen: ReadonlyMap<Row, Row>): Generator<Row | null, void> {
    known = yield* merge(known, yield* inOrder(all.slice(known.length, count)));
    for (const row of known) yield frozen.get(row) ?? row;
  }

  return {
    get size() {
      return all.length;
    },
    add: (row) => void all.push(row),
    touch(row) {
      if (copies !== null && !copies.has(row)) copies.set(row, { ...row });
    },
    sorted: () => [...all].sort(order),
    freeze() {
      copies = new Map();
      return read(all.length, copies);
    },
    thaw() {
      copies = null;
    },
  };
}
