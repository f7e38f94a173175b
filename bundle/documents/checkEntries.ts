import type { Problem } from '../bundleError.ts';
import { nearMiss } from '../yaml/nearMiss.ts';
import { show } from '../yaml/problem.ts';
import type { Fault } from './compileSchema.ts';
import { pathText } from './documentLines.ts';
import { type Entries, mostProblems } from './readEntries.ts';
import type { DocumentSchema } from './readSchema.ts';

/** So many entries are asked about at once where something is wrong, so that not all of a large document is told of. */
const piece = 1000;

/** Holds a document against its schema: every problem at its place, up to a bound. */
export function checkEntries({ entries, at }: Entries, schema: DocumentSchema): Problem[] {
  const whole = Object.fromEntries(entries);
  const [first] = schema.validate(whole, false);
  if (first === undefined) return [];
  const problemOf = ({ key, known, message, path: steps, unknown }: Fault): Problem => {
    const path = numbered(steps, whole);
    const by = `by ${schema.file}`;
    if (key !== undefined) {
      const others = known.length > 0 ? `, expected one of ${known.join(', ')}` : '';
      const what = unknown
        ? `unknown key ${show(key)}${nearMiss(key, known)}${others}`
        : `the key ${show(key)} ${message}`;
      return at([...path, key], 'data-invalid', `${what}, ${by}`, true);
    }
    const value = path.reduce<unknown>(
      (inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step],
      whole,
    );
    const got = typeof value === 'object' ? '' : `, got ${show(value)}`;
    return at(path, 'data-invalid', `${pathText(path)} ${message}${got}, ${by}`);
  };
  // What is said of the document as a whole holds of the whole only.
  if (!isOfEntry(first)) return [problemOf(first)];
  const faults: Fault[] = [];
  const all = [...entries];
  for (let from = 0; from < all.length && faults.length < mostProblems; from += piece) {
    const some = Object.fromEntries(all.slice(from, from + piece));
    for (const fault of schema.validate(some, true)) if (isOfEntry(fault)) faults.push(fault);
  }
  return (faults.length > 0 ? faults : [first]).slice(0, mostProblems).map(problemOf);
}

const isOfEntry = ({ path, key }: Fault): boolean => path.length > 0 || key !== undefined;

/** The places of items are numbers. */
function numbered(path: readonly string[], whole: unknown): PropertyKey[] {
  let value = whole;
  return path.map((step) => {
    const key = Array.isArray(value) ? Number(step) : step;
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
    return key;
  });
}
