/**
 * The same text with memory of its own: one that was cut out of a larger keeps all of that in memory, as long as it is
 * kept itself. For well-formed text.
 */
export const detached = (text: string): string => Buffer.from(text).toString();

/** One detached text for all that are the same: for few words that are told again and again. */
export function createIntern(): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const own = detached(text);
    known.set(own, own);
    return own;
  };
}
