import { isDeepStrictEqual } from 'node:util';
import { parseYaml } from '../../bundle/yaml/parseYaml.ts';
import { ReviewError } from '../reviewError.ts';
import { grantText } from './edit.ts';
import { indentOf, isBlank, lineBreakOf, lineStart } from './lines.ts';
import { isFlow, itemLines } from './removeItem.ts';

type Parsed = ReturnType<typeof parseYaml>;

const failed = (file: string, what: string) =>
  new ReviewError('edit-failed', `${file}: ${what}; the file was left as it is`);

function idsOf({ value, problems }: Parsed, file: string): string[] {
  if (problems.length > 0 || !Array.isArray(value)) throw failed(file, 'must be a list of grants');
  return value.map((item: unknown) =>
    typeof item === 'object' && item !== null && 'id' in item ? String(item.id) : '',
  );
}

const isEmpty = (value: unknown) => value === null || (Array.isArray(value) && value.length === 0);

/** The text of a block list's item, at another depth and with other line ends. */
function fitted(item: string, indent: number, lineBreak: string): string {
  const lines = item.split(/\r\n|\n|\r/);
  const dash = lines.find((line) => line.trimStart().startsWith('-')) ?? '';
  const by = indent - indentOf(dash);
  const shifted = lines.map((line) => {
    if (isBlank(line)) return '';
    return by >= 0 ? ' '.repeat(by) + line : line.slice(Math.min(-by, indentOf(line)));
  });
  return shifted.join(lineBreak).trimEnd() + lineBreak;
}

/**
 * Puts a grant of an earlier text of a file into the text of today: in place of what it says now; else behind the
 * nearest of those that stood above it and are still there, else first. A file that is gone (null) begins with what
 * stood above its first grant. Every other byte stays. The result is read back; throws ReviewError `edit-failed`.
 */
export function putBack(text: string | null, file: string, earlier: string, grant: string): string {
  const then = parseYaml(earlier, file);
  const before = idsOf(then, file);
  const index = before.indexOf(grant);
  if (index < 0) throw failed(file, `had no grant ${grant}`);
  const item = Array.isArray(then.value) ? (then.value[index] as unknown) : undefined;
  const block = !isFlow(earlier, { places: then.places, path: [] });
  const own = block ? grantText(earlier, file, grant) : `- ${grantText(earlier, file, grant)}`;

  const now = parseYaml(text ?? '', file);
  if (now.problems.length === 0 && isEmpty(now.value)) {
    const first = block ? itemLines(earlier, { places: then.places, path: [] }, 0).from : 0;
    // Comments of an empty file stay.
    const head =
      text === null || now.value !== null ? earlier.slice(0, first) : text.replace(/(?<=[^\r\n])$/, '\n');
    return checked(head + fitted(own, indentOfDash(own), lineBreakOf(earlier)), file, [item], grant);
  }

  if (text === null) throw failed(file, 'cannot be read');
  const ids = idsOf(now, file);
  const items = Array.isArray(now.value) ? [...(now.value as unknown[])] : [];
  const list = { places: now.places, path: [] };
  if (isFlow(text, list)) throw failed(file, 'is written in brackets: put the grant back by hand');
  const lineBreak = lineBreakOf(text);
  const dashOf = (position: number) => {
    const { from, to } = itemLines(text, list, position);
    return indentOfDash(text.slice(from, to));
  };
  const put = fitted(own, dashOf(0), lineBreak);
  const there = ids.indexOf(grant);
  if (there >= 0) {
    const { from, to } = itemLines(text, list, there);
    items[there] = item;
    return checked(text.slice(0, from) + put + text.slice(to), file, items, grant);
  }
  const above = before
    .slice(0, index)
    .map((id) => ids.indexOf(id))
    .findLast((position) => position >= 0);
  const parted = isBlank(lineBefore(text, itemLines(text, list, ids.length - 1).from));
  const blank = parted || ids.length === 1 ? lineBreak : '';
  if (above === undefined) {
    let { from } = itemLines(text, list, 0);
    items.unshift(item);
    const first = itemLines(earlier, { places: then.places, path: [] }, 0).from;
    // It stood right below what speaks of the file: the blank lines there now parted it from the next one.
    const close = index === 0 && block && first > 0 && !isBlank(lineBefore(earlier, first));
    const top = from;
    while (close && from > 0 && isBlank(lineBefore(text, from)))
      from = lineStart(text, endBefore(text, from));
    const between = from < top ? '' : blank;
    return checked(text.slice(0, from) + put + between + text.slice(from), file, items, grant);
  }
  const { to } = itemLines(text, list, above);
  const upTo = text.slice(0, to);
  const ended = /[\r\n]$/.test(upTo) ? upTo : upTo + lineBreak;
  items.splice(above + 1, 0, item);
  return checked(ended + blank + put + text.slice(to), file, items, grant);
}

/** The offset of the line break that ends the line before one that begins at `start`. */
const endBefore = (text: string, start: number): number =>
  start - (text.startsWith('\r\n', start - 2) ? 2 : 1);

/** The line before the one that begins at `start`, without its line break. */
const lineBefore = (text: string, start: number): string =>
  start === 0 ? '' : text.slice(lineStart(text, endBefore(text, start)), endBefore(text, start));

const indentOfDash = (item: string): number =>
  indentOf(item.split(/\r\n|\n|\r/).find((line) => line.trimStart().startsWith('-')) ?? '');

function checked(text: string, file: string, wanted: readonly unknown[], grant: string): string {
  const { value, problems } = parseYaml(text, file);
  if (problems.length > 0 || !isDeepStrictEqual(value, wanted))
    throw failed(file, `the grant ${grant} is written in a way that cannot be put back`);
  return text;
}
