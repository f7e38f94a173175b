import { isMapping } from '../../format/isMapping.ts';

/** A node of OPA's syntax tree; what is read of one is told apart where it is read. */
export type Node = { readonly [key: string]: unknown };
/** `value` of a `ref` or a `call` is a list of terms, that of a `var` or `string` its text. */
export type Term = Node & { readonly type: string; readonly value: unknown };

export const isTerm = (value: unknown): value is Term =>
  isMapping(value) && typeof value.type === 'string' && 'value' in value;
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The terms of a `ref` or `call`; none for anything else. */
export const termsOf = (term: unknown, type: 'ref' | 'call' = 'ref'): readonly Term[] =>
  isTerm(term) && term.type === type ? listOf(term.value).filter(isTerm) : [];

const textOf = (term: unknown, type: string): string | null =>
  isTerm(term) && term.type === type && typeof term.value === 'string' ? term.value : null;
/** The text of a string constant, or null. */
export const constant = (term: unknown): string | null => textOf(term, 'string');
/** The name of a variable, also where it stands as a reference to nothing below it; or null. */
export const variable = (term: unknown): string | null => {
  const terms = termsOf(term);
  return terms.length === 1 ? textOf(terms[0], 'var') : textOf(term, 'var');
};
/** A string constant as a part of a name, `?` where it has a dot of its own; or null. */
export const partOf = (term: unknown): string | null =>
  constant(term)?.includes('.') ? '?' : constant(term);
/** The name of a called operator or function, as `object.get`; or null. */
export const nameOf = (operator: unknown): string | null => {
  const [first, ...rest] = termsOf(operator);
  const names = [textOf(first, 'var'), ...rest.map(partOf)];
  return names.includes(null) ? null : names.join('.');
};

/** The key by which the `object.get` around a term reads of it; undefined where it stands in none. */
export function keyOfGet(term: Node, parent: Node | null): unknown {
  const { name, values } = callIn(parent);
  return name === 'object.get' && values[0] === term ? values[1] : undefined;
}

/** The operator or function, and what it is given, of the call that stands right in a node. */
export function callIn(node: Node | null): { name: string | null; values: readonly unknown[] } {
  const [operator, ...values] = listOf(node?.terms ?? (node?.type === 'call' ? node.value : []));
  return { name: nameOf(operator), values };
}

/** Whether an import turns on a part of the language, which brings no name of anybody's. */
export const isLanguageImport = (path: string): boolean =>
  /^(?:rego\.v1|future\.keywords(?:\..*)?)$/.test(path);

/** Whole numbers as they are written, of as many digits as stay exact. */
export const wholeNumber = /^(?:0|-?[1-9]\d{0,14})$/;

export type Place = { line: number; column: number };

/** Where a node stands, from 1; null where OPA does not say. */
export function placeOf(node: unknown): Place | null {
  if (!isMapping(node) || !isMapping(node.location)) return null;
  const { row, col } = node.location;
  return typeof row === 'number' && typeof col === 'number' ? { line: row, column: col } : null;
}
