import type { Problem } from '../bundleError.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import type { Place } from './places.ts';

/** A problem at a place; `file` alone stands for the file as a whole. */
export function problem(at: Place | string, code: string, message: string): Problem {
  if (typeof at === 'string') return { file: at, line: 1, column: 1, code, message };
  return { file: at.file, line: at.line, column: at.column, code, message };
}

/** `path:line:column: what is wrong`. */
export function formatProblem(found: Problem): string {
  return `${found.file}:${found.line}:${found.column}: ${found.message}`;
}

/** The same of what is told and hinders nothing. */
export const formatWarning = (found: Problem): string =>
  formatProblem({ ...found, message: `warning: ${found.message}` });

/** By file, line, column, then text; the same problem is kept once. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const sorted = [...problems].sort(
    (a, b) =>
      compareCodePoints(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      compareCodePoints(a.message, b.message),
  );
  return sorted.filter((item, index) => {
    const before = sorted[index - 1];
    return before === undefined || formatProblem(before) !== formatProblem(item);
  });
}

/** A value as it is shown in a problem: short, on one line, never a whole document. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
