import { apiFile } from '../grants/schema.ts';
import type { Place } from '../yaml/places.ts';
import { readChecked } from '../yaml/readFile.ts';
import type { Drift } from './compareOperations.ts';
import { ImportError } from './importError.ts';

/**
 * An API's YAML with what was added and changed; what is gone stays, since somebody may hold it. Everything else is to
 * the byte as before, and the result is read back. Throws ImportError.
 */
export function writeOperations(text: string, file: string, { added, changed }: Drift): string {
  const before = readChecked(apiFile, Buffer.from(text), file);
  const whole = before.places.value(['operations']);
  const operations = before.value?.operations;
  if (operations === undefined || whole === undefined)
    throw new ImportError(`${file}: expected an API with "operations", got something else`);
  const flow = text.charAt(whole.start) === '{';
  const value = (operation: string) => (flow ? JSON.stringify(operation) : operation);
  const splices: [Pick<Place, 'start' | 'end'>, string][] = changed.map(([name, , after]) => {
    const at = before.places.value(['operations', name]);
    if (at === undefined) throw new ImportError(`${file}: has no operation ${name}`);
    return [at, value(after)];
  });
  if (added.length > 0)
    splices.push(
      addition(
        text,
        added.map(([name, operation]) => [name, value(operation)] as const),
        { whole, flow, last: before.places.value(['operations', Object.keys(operations).at(-1) ?? '']) },
      ),
    );
  let result = text;
  for (const [{ start, end }, replacement] of splices.toSorted(([a], [b]) => b.start - a.start))
    result = result.slice(0, start) + replacement + result.slice(end);

  const after = readChecked(apiFile, Buffer.from(result), file).value?.operations ?? {};
  const expected = {
    ...operations,
    ...Object.fromEntries(changed.map(([name, , operation]) => [name, operation])),
    ...Object.fromEntries(added),
  };
  const names = Object.keys(expected);
  if (Object.keys(after).length !== names.length || names.some((name) => after[name] !== expected[name]))
    throw new ImportError(
      `${file}: could not be written without changing something else; it was left as it is`,
    );
  return result;
}

function addition(
  text: string,
  added: readonly (readonly [name: string, value: string])[],
  { whole, last, flow }: { whole: Place; last: Place | undefined; flow: boolean },
): [Pick<Place, 'start' | 'end'>, string] {
  if (flow) {
    const items = added.map(([name, value]) => `${name}: ${value}`).join(', ');
    // Right behind the last one, before a comma or a comment that follows it.
    const at = last?.end ?? whole.start + 1;
    return [{ start: at, end: at }, last === undefined ? ` ${items} ` : `, ${items}`];
  }
  const lineStart =
    Math.max(text.lastIndexOf('\n', whole.start - 1), text.lastIndexOf('\r', whole.start - 1)) + 1;
  const indent = text.slice(lineStart, whole.start);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  // After the last operation's line, with a comment that stands on it.
  const rest = /[\r\n]/.exec(text.slice(whole.end));
  const at = rest === null ? text.length : whole.end + rest.index;
  return [
    { start: at, end: at },
    added.map(([name, value]) => `${newline}${indent}${name}: ${value}`).join(''),
  ];
}
