/**
 * The same text with memory of its own: one that was cut out of a larger keeps all of that in memory, as long as it is
 * kept itself. For well-formed text.
 */
export const detached = (text: string): string => Buffer.from(text).toString();
