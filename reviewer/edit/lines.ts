/** Offsets into a text by lines; a line ends with LF, CR LF or CR, as YAML has it. */

/** Where the line that holds an offset begins; a byte order mark belongs to no line. */
export function lineStart(text: string, offset: number): number {
  let at = offset;
  while (at > 0 && !/[\r\n\uFEFF]/.test(text.charAt(at - 1))) at -= 1;
  return at;
}

/** The end of the line that holds an offset, its line break included. */
export function lineEnd(text: string, offset: number): number {
  let at = offset;
  while (at < text.length && !/[\r\n]/.test(text.charAt(at))) at += 1;
  return at + lineBreakAt(text, at).length;
}

/** The line break at an offset, or nothing. */
export function lineBreakAt(text: string, offset: number): string {
  if (text.startsWith('\r\n', offset)) return '\r\n';
  const unit = text.charAt(offset);
  return unit === '\n' || unit === '\r' ? unit : '';
}

/** The line break that a text uses first; LF when it has only one line. */
export const lineBreakOf = (text: string): string => /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';

export const isBlank = (line: string): boolean => line.trim() === '';
export const isComment = (line: string): boolean => line.trimStart().startsWith('#');
/** How many spaces a line begins with. */
export const indentOf = (line: string): number => line.length - line.replace(/^ +/, '').length;

/** The first offset from `start` on, before `end`, that is neither space nor comment; `end` when there is none. */
export function skipSpace(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && (isBlank(text.charAt(at)) || text.charAt(at) === '#')) {
    if (text.charAt(at) === '#') at = Math.min(end, lineEnd(text, at));
    else at += 1;
  }
  return at;
}
