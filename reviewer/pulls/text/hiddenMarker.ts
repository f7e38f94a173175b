import type { z } from 'zod';

/** Ends what the review wrote. */
export const endMark = '<!-- grantgate:end -->';

/** What people wrote above and below, and our own text. */
export type BodyParts = { above: string; own: string; below: string };

/** What a pull request's body remembers: written into it, hidden, and read from it again. */
export type HiddenMarker<Value> = {
  /** The line that holds it; two hyphens would end the comment early. */
  hidden(value: Value): string;
  /** What a body remembers; null when it holds no marker, or a broken one. */
  parse(body: string): Value | null;
  parts(body: string): BodyParts;
  /** Puts a body together again, with what people wrote. */
  join(value: Value, own: string, around: Pick<BodyParts, 'above' | 'below'>): string;
};

// The first line that is a marker holds it, hidden when the body is rendered; a second marker ends what the review
// wrote, and whatever people write above or below is theirs.

/** Markers of one name, each checked by a schema. */
export function createMarker<Value>(name: string, schema: z.ZodType<Value>): HiddenMarker<Value> {
  const pattern = new RegExp(`^<!-- grantgate:${name} (\\{.*\\}) -->\\r?$`, 'm');
  const hidden = (value: Value) =>
    `<!-- grantgate:${name} ${JSON.stringify(value).replaceAll('--', '\\u002d\\u002d')} -->`;
  return {
    hidden,
    parse(body) {
      const text = pattern.exec(body)?.[1];
      if (text === undefined) return null;
      try {
        return schema.parse(JSON.parse(text));
      } catch {
        return null;
      }
    },
    parts(body) {
      const text = body.replace(/\r\n/g, '\n');
      const found = pattern.exec(text);
      if (found === null) return { above: '', own: '', below: text.trim() };
      const from = found.index + found[0].length;
      const end = text.lastIndexOf(`\n${endMark}`);
      return {
        above: text.slice(0, found.index).trim(),
        own: text.slice(from, end < from ? undefined : end).trim(),
        below: end < from ? '' : text.slice(end + endMark.length + 1).trim(),
      };
    },
    join(value, own, { above, below }) {
      const all = [above, `${hidden(value)}\n${own.trim()}\n${endMark}`, below];
      return `${all.filter((part) => part !== '').join('\n\n')}\n`;
    },
  };
}
