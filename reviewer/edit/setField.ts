import { isDeepStrictEqual } from 'node:util';
import { parseYaml } from '../../bundle/yaml/parseYaml.ts';
import { lineBreakAt, lineBreakOf, lineEnd } from './lines.ts';

type Parsed = ReturnType<typeof parseYaml>;

/** Text as a YAML scalar: plain, unless it would be read as something else than this text, in brackets too. */
export function scalar(name: string): string {
  const plain = (text: string) => isDeepStrictEqual(parseYaml(text, '').value, [name]);
  return plain(`- ${name}`) && plain(`[${name}]`) ? name : JSON.stringify(name);
}

const inFlow = (value: unknown): string =>
  typeof value === 'string'
    ? scalar(value)
    : Array.isArray(value)
      ? `[${value.map(inFlow).join(', ')}]`
      : JSON.stringify(value);

/** `{ decision: keep, by: user:ann@example.com }`, `{ mfa: true, networks: [office] }` */
export const flow = (entries: Readonly<Record<string, unknown>>): string =>
  `{ ${Object.entries(entries)
    .map(([key, value]) => `${key}: ${inFlow(value)}`)
    .join(', ')} }`;

/** A key of the item at `index`; where it is new, it comes after the first of `after` that is there. */
export type Field = { index: number; key: string; value: string; after: readonly string[] };

/**
 * Sets one key of an item of a list to a value, as YAML text: its old value is replaced in place.
 */
export function setField(
  text: string,
  { places }: Pick<Parsed, 'places'>,
  { index, key, value, after }: Field,
): string {
  const [name, old] = [places.key([index, key]), places.value([index, key])];
  // From the key on: what was a block of lines becomes one line.
  if (name && old && places.at(old.start).line !== name.line)
    return `${text.slice(0, name.start)}${key}: ${value}${text.slice(old.end)}`;
  if (old) return `${text.slice(0, old.start)}${value}${text.slice(old.end)}`;
  const above = after.find((known) => places.value([index, known]) !== undefined) ?? 'id';
  const place = places.key([index, above]) ?? places.nearest([index]);
  const last = places.nearest([index, above]);
  if (text.charAt(places.nearest([index]).start) === '{')
    return `${text.slice(0, last.end)}, ${key}: ${value}${text.slice(last.end)}`;
  const line = `${' '.repeat(place.column - 1)}${key}: ${value}`;
  const end = lineEnd(text, last.end);
  const ends = end > 0 && end > last.end && lineBreakAt(text, end - 1) !== '';
  // The new line ends as the one above it does.
  const ending = ends ? (text.startsWith('\r\n', end - 2) ? '\r\n' : text.charAt(end - 1)) : '';
  return ends
    ? `${text.slice(0, end)}${line}${ending}${text.slice(end)}`
    : `${text}${lineBreakOf(text)}${line}`;
}
