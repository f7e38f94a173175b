import { createReadStream } from 'node:fs';
import { z } from 'zod';

const record = z.object({
  timestamp: z.iso.datetime({ offset: true }),
  instance: z.string().min(1),
  seq: z.int().min(0),
});
const heartbeat = record.extend({ heartbeat: z.literal(true) });
/** An orderly end takes no number either. */
const stopped = record.extend({ stopped: z.literal(true) });
/** What else takes a number: known by its name, whatever it says. */
const event = record.extend({ event: z.string().min(1), decision_id: z.string() });
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

/**
 * Looks through files that are known to hold lines that are no records. Answers the first such line as `path:line`
 * (null when there is none), and how many files end in a torn line: one without its line feed that is no JSON, as a
 * crash in the middle of a write leaves it.
 */
export async function malformedLines(
  files: readonly string[],
): Promise<{ torn: number; first: string | null }> {
  let torn = 0;
  for (const file of files) {
    let number = 0;
    let rest = '';
    for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const text of parts) {
        number += 1;
        if (text.trim() !== '' && !isWell(text)) return { torn, first: `${file}:${number}` };
      }
    }
    if (rest.trim() === '' || isWell(rest)) {
      // DuckDB and this file disagree: refuse rather than count on lines that one of them cannot read.
      return { torn, first: `${file}:${Math.max(1, number)}` };
    }
    if (isJson(rest)) return { torn, first: `${file}:${number + 1}` };
    torn += 1;
  }
  return { torn, first: null };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
