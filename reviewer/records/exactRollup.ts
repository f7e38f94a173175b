import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../bundle/format/digest.ts';
import type { UsageDay } from '../../gateway/record/usageDay.ts';
import type { UsageLine } from '../../gateway/record/usageLine.ts';

/** The roll-up's digest where it says of a day all that the records do; else why it does not. */
export type Judged = { sha256: string } | { reason: string };

/** Compares an instance's roll-up of a day with what its records come to. */
export function exactRollup(usage: string, instance: string, day: string, counted: UsageDay): Judged {
  const path = join(usage, instance, `${day}.ndjson`);
  if (!existsSync(path)) return { reason: `there is no roll-up ${path}` };
  const bytes = readFileSync(path);
  const told = new Map<string, string>();
  for (const text of bytes.toString().split('\n')) {
    if (text === '') continue;
    const line = keyed(text);
    if (line === null) return { reason: `the roll-up ${path} has a line that is none` };
    told.set(...line);
  }
  for (const line of counted.lines()) {
    if ('coverage' in line && line.coverage.cut === true)
      return { reason: `the records of ${day} are more than a roll-up holds` };
    const [key, value] = keyOf(line);
    const known = told.get(key);
    if (known !== value)
      return {
        reason: `the roll-up ${path} ${known === undefined ? 'does not tell' : 'tells otherwise'} ${what(line)} than the records`,
      };
    told.delete(key);
  }
  for (const key of told.keys())
    return { reason: `the roll-up ${path} has more than the records: ${key.replaceAll('\u0000', ' ')}` };
  return { sha256: sha256(bytes) };
}

function keyed(text: string): [string, string] | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'day' in value ? keyOf(value as UsageLine) : null;
  } catch {
    return null;
  }
}

/** What names a line, and what it says. How busy a minute was may be counted high by who counted as records came. */
function keyOf(line: UsageLine): [string, string] {
  const { day, instance, ...rest } = line;
  const text = JSON.stringify(rest, (name, value: unknown) =>
    name === 'busiest' || name === 'minutes' ? undefined : value,
  );
  const of = [day, instance];
  if ('coverage' in line) return [[...of, 'coverage'].join('\u0000'), text];
  if ('grant' in line) return [[...of, 'grant', line.grant, line.operation].join('\u0000'), text];
  if ('together' in line) return [[...of, 'together', line.operation, ...line.together].join('\u0000'), text];
  return [[...of, 'denied', line.denied, line.api, line.operation].join('\u0000'), text];
}

function what(line: UsageLine): string {
  if ('coverage' in line) return 'of its coverage';
  if ('grant' in line) return `of the use of ${line.grant} for ${line.operation}`;
  if ('together' in line) return `of the grants used together for ${line.operation}`;
  return `of the denials of ${line.operation}`;
}
