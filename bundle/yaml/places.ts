/** A value in a YAML text, with what it holds; offsets count UTF-16 units, `end` is exclusive. */
export type Node = {
  start: number;
  end: number;
  members?: Map<string, { key: Node; value: Node }>;
  items?: Node[];
};

type Path = readonly PropertyKey[];

/** Where the values and keys of one parsed file stand. */
export type Places = {
  /** The value at a path (`['roles', 'reader', 0]`), quotes and brackets included; undefined when nothing is there. */
  value(path: Path): Place | undefined;
  /** The key that ends a path; undefined for list items and what is not there. */
  key(path: Path): Place | undefined;
  /** The value at a path, or of its nearest parent that exists. */
  nearest(path: Path): Place;
  /** The place of an offset. */
  at(offset: number): Place;
};

/** Line starts of a text; a line ends with LF, CR LF or CR, as YAML has it. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 10 || (unit === 13 && text.charCodeAt(index + 1) !== 10)) starts.push(index + 1);
  }
  return starts;
}

/** Places of what a document holds, from 1, by the offsets of its nodes in `text`. */
export function placesOf(text: string, file: string, root: Node): Places {
  let starts: number[] | null = null;
  const place = (start: number, end: number): Place => {
    starts ??= lineStarts(text);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= start) low = middle;
      else high = middle - 1;
    }
    const lineStart = starts[low] ?? 0;
    // A byte order mark takes no column.
    const mark = lineStart === 0 && start > 0 && text.charCodeAt(0) === 0xfeff ? 1 : 0;
    return { file, line: low + 1, column: start - lineStart - mark + 1, start, end };
  };
  const step = (node: Node, key: PropertyKey): Node | undefined =>
    typeof key === 'number' ? node.items?.[key] : node.members?.get(String(key))?.value;
  const find = (path: Path): Node | undefined => {
    let node: Node | undefined = root;
    for (const key of path) node = node && step(node, key);
    return node;
  };
  const of = (node: Node | undefined) => (node === undefined ? undefined : place(node.start, node.end));
  return {
    value: (path) => of(find(path)),
    key: (path) => of(find(path.slice(0, -1))?.members?.get(String(path.at(-1)))?.key),
    nearest: (path) => {
      let node = root;
      for (const key of path) {
        const next = step(node, key);
        if (next === undefined) break;
        node = next;
      }
      return place(node.start, node.end);
    },
    at: (offset) => place(offset, offset),
  };
}

/** Where something stands in a file: `line` and `column` count from 1; `start` and `end` are UTF-16 offsets into the file's text, `end` exclusive. */
export type Place = { file: string; line: number; column: number; start: number; end: number };
