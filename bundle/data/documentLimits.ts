/** A data document of up to so many bytes, as data.json has it, may be read as a whole; a larger one by key only. */
export const mostWholeBytes = 16 * 1024;

/** The most bytes of one entry, key included: each decision that is about it loads it anew. */
export const mostEntryBytes = 16 * 1024;

/** The longest key, in characters. */
export const longestKey = 256;

/** How many bytes a document takes in data.json, by those of its lines. */
export const documentBytes = (lines: number): number =>
  lines === 0 ? '{}'.length : '{\n'.length + lines + '\n}'.length;
