import type { Problem } from '../bundleError.ts';
import { longestKey, mostEntryBytes } from '../data/documentLimits.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { show } from '../yaml/problem.ts';
import { type Entries, mostProblems } from './readEntries.ts';

const mostDepth = 10;
const mostDigits = 999_999_999_999_999;

/** What is wrong with a value as data for decisions, and where in it; null when nothing is. */
function faultOf(
  value: unknown,
  path: readonly PropertyKey[],
): { path: readonly PropertyKey[]; what: string } | null {
  if (path.length > mostDepth) return { path, what: `must not be nested deeper than ${mostDepth}` };
  if (value === null || value === undefined) return { path, what: 'must be a value, got nothing' };
  if (
    typeof value === 'number' &&
    !(Number.isInteger(value) && Math.abs(value) <= mostDigits && !Object.is(value, -0))
  )
    return {
      path,
      what: `must be a whole number of up to 15 digits, or a text in quotes, got ${show(value)}`,
    };
  if (typeof value !== 'object') return null;
  for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    const fault = faultOf(inner, [...path, key]);
    if (fault !== null) return fault;
  }
  return null;
}

const keyForm = new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${longestKey}}$`, 'u');

/**
 * The lines of a document as data.json has them, sorted by key, between them `,` and a line feed; what cannot be one is a
 * problem (`data-value`). `isBounded`: every entry was looked at, and none is too large.
 */
export function documentLines({ entries, at }: Entries): {
  lines: Buffer;
  problems: Problem[];
  isBounded: boolean;
} {
  const problems: Problem[] = [];
  let isBounded = true;
  const lines: [key: string, line: string][] = [];
  for (const [key, value] of entries) {
    if (problems.length >= mostProblems) {
      isBounded = false;
      break;
    }
    const fault = keyForm.test(key)
      ? faultOf(value, [key])
      : {
          path: [key],
          what: `is a key of other than 1 to ${longestKey} characters without control characters`,
        };
    if (fault !== null) {
      problems.push(
        at(fault.path, 'data-value', `${pathText(fault.path)} ${fault.what}`, !keyForm.test(key)),
      );
      continue;
    }
    const line = `${canonicalJson(key)}:${canonicalJson(value)}`;
    if (Buffer.byteLength(line) > mostEntryBytes) {
      isBounded = false;
      problems.push(
        at(
          [key],
          'data-value',
          `the entry ${show(key)} takes ${Buffer.byteLength(line)} bytes, ${mostEntryBytes} are the most`,
          true,
        ),
      );
    } else lines.push([key, line]);
  }
  lines.sort(([a], [b]) => compareCodePoints(a, b));
  return { lines: Buffer.from(lines.map(([, line]) => line).join(',\n')), problems, isBounded };
}

/** A path as it is shown: `"acme.limits[0]"`. */
export const pathText = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? 'the file'
    : show(
        path.reduce<string>(
          (text, key) =>
            typeof key === 'number'
              ? `${text}[${key}]`
              : text === ''
                ? String(key)
                : `${text}.${String(key)}`,
          '',
        ),
      );
