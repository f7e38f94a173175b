/**
 * One segment of a path template. `literals` are the texts around the parameters: `{name}-{version}.zip` has
 * `['', '-', '.zip']`. Every parameter stands for one character or more, never for a slash.
 */
export type Segment =
  | { kind: 'literal'; text: string }
  | { kind: 'parameter' }
  | { kind: 'mixed'; literals: readonly string[] };

const parameter = /\{[^{}]*\}/g;

/** The template with its parameters' names taken out: two templates of one shape match the same paths. */
export const shapeOf = (template: string): string => template.replace(parameter, '{}');

/** The segments of a template that begins with a slash; one that ends in a slash has an empty one at its end. */
export function segmentsOf(template: string): Segment[] {
  return template
    .slice(1)
    .split('/')
    .map((text): Segment => {
      const literals = text.split(parameter);
      if (literals.length === 1) return { kind: 'literal', text };
      return literals.length === 2 && literals.join('') === ''
        ? { kind: 'parameter' }
        : { kind: 'mixed', literals };
    });
}

/** Whether some segment holds text and a parameter, as `{jobId}:cancel` does. */
export const isMixed = (template: string): boolean => /\{[^{}]*\}[^/]|[^/]\{/.test(template);

/** Whether a segment of a path is what the literals stand around; takes time in proportion to its length. */
export function matchesMixed(literals: readonly string[], text: string): boolean {
  const first = literals[0] ?? '';
  const last = literals.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  // One character more each time, for the parameter before.
  let at = first.length + 1;
  for (let index = 1; index < literals.length - 1; index++) {
    const literal = literals[index] ?? '';
    const found = text.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length + 1;
  }
  return text.length - last.length >= at;
}

/** Whether everything that `inner` means is meant by `outer` too: U+0000, which no template holds, is any text. */
export const containsMixed = (outer: readonly string[], inner: readonly string[]): boolean =>
  matchesMixed(outer, inner.join('\0'));

/** Whether some text is meant by both. */
function overlapMixed(a: readonly string[], b: readonly string[]): boolean {
  const ends = (one: string, other: string) => one.endsWith(other) || other.endsWith(one);
  const begins = (one: string, other: string) => one.startsWith(other) || other.startsWith(one);
  if (!begins(a[0] ?? '', b[0] ?? '') || !ends(a.at(-1) ?? '', b.at(-1) ?? '')) return false;
  const left = tokens(a);
  const right = tokens(b);
  // Whether what is left of both, from i and from j, has a text in common.
  let below: boolean[] = [];
  for (let i = left.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = right.length; j >= 0; j--) {
      const one = left[i];
      const other = right[j];
      if (one === undefined && other === undefined) row[j] = true;
      else if (one === many || other === many)
        row[j] =
          (one === many && ((below[j] ?? false) || (other !== undefined && (row[j + 1] ?? false)))) ||
          (other === many && ((row[j + 1] ?? false) || (one !== undefined && (below[j] ?? false))));
      else
        row[j] =
          one !== undefined &&
          other !== undefined &&
          (one === other || one === any || other === any) &&
          (below[j + 1] ?? false);
    }
    below = row;
  }
  return below[0] ?? false;
}

const any = 'any';
const many = 'many';

/** A parameter is one character and then any number of them. */
function tokens(literals: readonly string[]): string[] {
  return literals.flatMap((literal, index) => (index === 0 ? [...literal] : [any, many, ...literal]));
}

/**
 * Whether a request could mean either template and nothing says which. The leftmost segment that tells them apart
 * decides: a literal goes before text with parameters, that before a parameter alone, and of two with text the one
 * whose every meaning the other has too.
 */
export function isAmbiguous(a: readonly Segment[], b: readonly Segment[]): boolean {
  if (a.length !== b.length) return false;
  let undecided = false;
  for (const [index, one] of a.entries()) {
    const other = b[index];
    if (other === undefined) return false;
    if (undecided) {
      if (!overlap(one, other)) return false;
    } else if (one.kind !== other.kind) return false;
    else if (one.kind === 'literal' && other.kind === 'literal') {
      if (one.text !== other.text) return false;
    } else if (one.kind === 'mixed' && other.kind === 'mixed') {
      if (!overlapMixed(one.literals, other.literals)) return false;
      const wider = containsMixed(one.literals, other.literals);
      if (wider !== containsMixed(other.literals, one.literals)) return false;
      undecided = !wider;
    }
  }
  return true;
}

const overlap = (a: Segment, b: Segment): boolean => overlapMixed(literalsOf(a), literalsOf(b));

function literalsOf(segment: Segment): readonly string[] {
  if (segment.kind === 'literal') return [segment.text];
  return segment.kind === 'parameter' ? ['', ''] : segment.literals;
}

/** For each segment how much it says: `2` a literal, `1` text with parameters, `0` a parameter. The greater goes first. */
export const rankOf = (template: string): string =>
  segmentsOf(template)
    .map(({ kind }) => (kind === 'literal' ? '2' : kind === 'mixed' ? '1' : '0'))
    .join('');
