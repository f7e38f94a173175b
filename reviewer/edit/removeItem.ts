import type { Place, Places } from '../../bundle/yaml/places.ts';
import { indentOf, isBlank, isComment, lineEnd, lineStart, skipSpace } from './lines.ts';

/** From `from` up to `to`, exclusive. */
export type Range = { from: number; to: number };

type List = { places: Places; path: readonly PropertyKey[] };

/** The dash that begins a block list's item: only space, comments and a document's start stand before it. */
function dashOf(text: string, item: Place, previousEnd: number): number {
  let at = skipSpace(text, previousEnd, item.start);
  if (text.startsWith('---', at) && lineStart(text, at) === at) at = skipSpace(text, at + 3, item.start);
  return at;
}

function itemAt({ places, path }: List, index: number): { item: Place; previousEnd: number } {
  const item = places.nearest([...path, index]);
  const list = places.nearest(path);
  const previousEnd = index === 0 ? list.start : places.nearest([...path, index - 1]).end;
  return { item, previousEnd: Math.min(previousEnd, item.start) };
}

/** Whether a list is written in brackets. */
export const isFlow = (text: string, { places, path }: List): boolean =>
  text.charAt(places.nearest(path).start) === '[';

/**
 * The lines that belong to an item of a block list: its own, the comments right above it, and those below that are
 * indented deeper than its dash. Comments that begin on the file's first line speak of the file and do not belong.
 */
export function itemLines(text: string, list: List, index: number): Range {
  const { item, previousEnd } = itemAt(list, index);
  const dash = dashOf(text, item, previousEnd);
  const own = lineStart(text, dash);
  const indent = dash - own;
  let from = own;
  while (from > 0) {
    const above = lineStart(text, from - (text.startsWith('\r\n', from - 2) ? 2 : 1));
    const line = text.slice(above, from);
    if (above === from || !isComment(line) || indentOf(line) > indent) break;
    from = above;
  }
  if (from === lineStart(text, 0) || from <= (text.startsWith('\uFEFF') ? 1 : 0)) from = own;
  let to = lineEnd(text, Math.max(item.end, dash));
  for (let next = to; next < text.length; ) {
    const end = lineEnd(text, next);
    const line = text.slice(next, end);
    if (isComment(line) && indentOf(line) > indent) to = end;
    else if (!isBlank(line)) break;
    next = end;
  }
  return { from, to };
}

/** The blank lines right above and right below a range. */
function blankAround(text: string, { from, to }: Range): Range {
  let above = from;
  while (above > 0) {
    const start = lineStart(text, above - (text.startsWith('\r\n', above - 2) ? 2 : 1));
    if (start === above || !isBlank(text.slice(start, above))) break;
    above = start;
  }
  let below = to;
  while (below < text.length) {
    const end = lineEnd(text, below);
    if (!isBlank(text.slice(below, end))) break;
    below = end;
  }
  return { from: above, to: below };
}

/** Takes an item out of a block list, with the one run of blank lines that parted it from its neighbour. */
function removeBlockItem(text: string, list: List, index: number): string {
  const range = itemLines(text, list, index);
  const blank = blankAround(text, range);
  const top = blank.from <= (text.startsWith('\uFEFF') ? 1 : 0);
  if (blank.to >= text.length) range.from = blank.from;
  else if (blank.from < range.from || (top && range.from === blank.from)) range.to = blank.to;
  return text.slice(0, range.from) + text.slice(range.to);
}

/** Takes out a range; when nothing is left on its line, the line goes too. */
function cut(text: string, { from, to }: Range): string {
  const start = lineStart(text, from);
  const end = lineEnd(text, to);
  const emptied = isBlank(text.slice(start, from)) && isBlank(text.slice(to, end));
  return emptied && end > to ? text.slice(0, start) + text.slice(end) : text.slice(0, from) + text.slice(to);
}

/** Takes an item out of a list in brackets, with one comma; comments around it stay. */
function removeFlowItem(text: string, list: List, index: number): string {
  const { item, previousEnd } = itemAt(list, index);
  const end = list.places.nearest(list.path).end;
  const after = skipSpace(text, item.end, end);
  if (text.charAt(after) === ',') {
    const without = text.slice(0, after) + text.slice(after + 1);
    const space = after === item.end ? (/^ */.exec(without.slice(after))?.[0].length ?? 0) : 0;
    const rest = without.slice(item.end + space);
    const stays = /^[\r\n]/.test(rest);
    return cut(without, { from: item.start, to: item.end + (stays ? 0 : space) });
  }
  const comma = skipSpace(text, previousEnd, item.start);
  const without = cut(text, { from: item.start, to: item.end });
  const spaced = without.slice(0, comma) + without.slice(comma + 1);
  return comma + 1 === item.start - 1 && spaced.charAt(comma) === ' '
    ? spaced.slice(0, comma) + spaced.slice(comma + 1)
    : spaced;
}

/** Takes one of several items out of a list; nothing outside its lines (or, in brackets, itself) changes. */
export function removeItem(text: string, list: List, index: number): string {
  return isFlow(text, list) ? removeFlowItem(text, list, index) : removeBlockItem(text, list, index);
}
