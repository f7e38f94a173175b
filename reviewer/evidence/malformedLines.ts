import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { z } from 'zod';
import { messageOf } from '../../bundle/format/messageOf.ts';

const record = z.object({
  timestamp: z.iso.datetime({ offset: true }),
  instance: z.string().min(1),
  seq: z.int().min(0),
});
const heartbeat = record.extend({ heartbeat: z.literal(true) });
const stopped = record.extend({ stopped: z.literal(true) });
/** What else takes a number: known by its name, whatever it says. */
const event = record.extend({ event: z.string().min(1) });
const decision = record.extend({
  event: z.null().optional(),
  decision_id: z.string(),
  input: z.object({ operation: z.string() }).optional(),
  result: z.discriminatedUnion('allow', [
    z.object({ allow: z.literal(true), grants: z.array(z.string()) }),
    z.object({ allow: z.literal(false) }),
  ]),
});
const line = z.union([heartbeat, stopped, event, decision]);

const isPacked = (file: string) => /\.(?:gz|zst)$/.test(file);

/** A file's text, unpacked by its name. */
export function textOf(file: string): Readable {
  const bytes = createReadStream(file);
  const unpack = file.endsWith('.gz')
    ? createGunzip()
    : file.endsWith('.zst')
      ? createZstdDecompress()
      : null;
  if (unpack === null) return bytes.setEncoding('utf8');
  bytes.on('error', (error) => unpack.destroy(error));
  return bytes.pipe(unpack).setEncoding('utf8');
}

function isWell(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    const parsed = line.safeParse(value);
    if (!parsed.success) return false;
    return !('result' in parsed.data && parsed.data.result.allow && parsed.data.input === undefined);
  } catch {
    return false;
  }
}

export type Malformed = {
  /** Files that end in a torn line. */
  torn: number;
  /** The first line that is no record, as `path:line`; null when there is none. */
  first: string | null;
  unreadable: { file: string; reason: string }[];
};

/**
 * Looks through files that are known to hold lines that are no records. A torn line is one without its line feed that is
 * no JSON, as a crash in the middle of a write leaves it. A file that cannot be unpacked to its end is named.
 */
export async function malformedLines(files: readonly string[]): Promise<Malformed> {
  const found: Malformed = { torn: 0, first: null, unreadable: [] };
  for (const file of files) {
    try {
      const line = await firstIn(file);
      if (line === 'torn') found.torn += 1;
      else return { ...found, first: `${file}:${line}` };
    } catch (error) {
      if (!isPacked(file)) throw error;
      found.unreadable.push({ file, reason: messageOf(error) });
    }
  }
  return found;
}

async function firstIn(file: string): Promise<number | 'torn'> {
  let number = 0;
  let rest = '';
  for await (const chunk of textOf(file)) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) {
      number += 1;
      if (text.trim() !== '' && !isWell(text)) return number;
    }
  }
  // DuckDB and this file disagree: refuse rather than count on lines that one of them cannot read.
  if (rest.trim() === '' || isWell(rest)) return Math.max(1, number);
  return isJson(rest) ? number + 1 : 'torn';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
