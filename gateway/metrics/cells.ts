/** The place that a combination of label values counts in. */
export type Cells<Cell> = {
  /** Finds a cell by as many values as there are label names; makes it when it is not there. */
  at: (first?: string, second?: string, third?: string, fourth?: string) => Cell;
  /** Every cell with its labels. */
  all: () => Iterable<{ labels: Record<string, string>; cell: Cell }>;
};

type Node<Cell> = { cell: Cell | null; next: Map<string, Node<Cell>> };

/**
 * Cells by up to four label values, in maps within maps: finding one joins, sorts and hashes nothing. There are never
 * more than `most`; whatever would need a further one is counted together, with "other" for each label.
 */
export function createCells<Cell>(
  labelNames: readonly string[],
  create: () => Cell,
  most = 20_000,
): Cells<Cell> {
  const depth = labelNames.length;
  const newNode = (): Node<Cell> => ({ cell: null, next: new Map() });
  const root = newNode();
  const found: { labels: Record<string, string>; cell: Cell }[] = [];
  let other: Cell | null = null;

  const add = (values: readonly string[]): Cell => {
    const cell = create();
    found.push({ labels: Object.fromEntries(labelNames.map((name, at) => [name, values[at] ?? ''])), cell });
    return cell;
  };
  const make = (values: readonly string[]): Cell => {
    if (found.length >= most) {
      other ??= add(labelNames.map(() => 'other'));
      return other;
    }
    let node = root;
    for (const value of values) {
      let next = node.next.get(value);
      if (next === undefined) {
        next = newNode();
        node.next.set(value, next);
      }
      node = next;
    }
    node.cell = add(values);
    return node.cell;
  };

  return {
    at(first = '', second = '', third = '', fourth = '') {
      let node: Node<Cell> | undefined = root;
      if (depth > 0) node = node.next.get(first);
      if (depth > 1) node = node?.next.get(second);
      if (depth > 2) node = node?.next.get(third);
      if (depth > 3) node = node?.next.get(fourth);
      return node?.cell ?? make([first, second, third, fourth].slice(0, depth));
    },
    all: () => found,
  };
}
