/** What is under way, in no order. */
export type OpenList<Item extends object> = {
  /** Call the result when it is over; further calls do nothing. */
  add(item: Item): () => void;
  /** Those under way when the walk began and still so when their turn comes. */
  items(): Generator<Item>;
  readonly size: number;
};

/**
 * A Set would do, but for the collector: each time a Set grows or has holes it is copied, and leaves a table behind
 * that leads to the next one. One such table that has become old keeps all that stand in the tables after it from being
 * collected young: with thousands of requests a second that is most of what they allocate.
 */
export function createOpenList<Item extends object>(): OpenList<Item> {
  const open: Place<Item>[] = [];
  const remove = (place: Place<Item>) => {
    const last = open.at(-1);
    if (place.at < 0 || last === undefined) return;
    open[place.at] = last;
    last.at = place.at;
    open.pop();
    place.at = -1;
  };
  return {
    add(item) {
      const place = { item, at: open.length };
      open.push(place);
      return () => remove(place);
    },
    *items() {
      for (const place of [...open]) if (place.at >= 0) yield place.item;
    },
    get size() {
      return open.length;
    },
  };
}

/** `at`: where it stands in the list; -1: nowhere any more. */
type Place<Item> = { item: Item; at: number };
