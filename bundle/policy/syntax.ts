import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BundleError } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import type { Opa } from './opa.ts';

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

/** The operator or function, and what it is given, of the call that stands right in a node. */
export function callIn(node: Node | null): { name: string | null; values: readonly unknown[] } {
  const [operator, ...values] = listOf(node?.terms ?? (node?.type === 'call' ? node.value : []));
  return { name: nameOf(operator), values };
}

/** A number that is not written as a whole one stays as it is written. */
const asWritten = (_: string, value: unknown, context?: { source?: string }) =>
  typeof value === 'number' && !/^(?:0|-?[1-9]\d{0,14})$/.test(context?.source ?? '')
    ? context?.source
    : value;
const parse: (text: string, reviver: typeof asWritten) => unknown = JSON.parse;

export type Place = { line: number; column: number };

export function placeOf(node: unknown): Place | null {
  if (!isMapping(node) || !isMapping(node.location)) return null;
  const { row, col } = node.location;
  return typeof row === 'number' && typeof col === 'number' ? { line: row, column: col } : null;
}

/** Reads policies (path → Rego) as OPA does. Throws BundleError `policy-invalid` with opa's message, OpaError. */
export async function parsePolicies(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
): Promise<Map<string, Node>> {
  const work = await mkdtemp(join(tmpdir(), 'grantgate-parse-'));
  try {
    const modules = new Map<string, Node>();
    for (const [name, source] of policies) {
      await mkdir(dirname(join(work, name)), { recursive: true });
      await writeFile(join(work, name), source);
      const asked = ['parse', '--format', 'json', '--json-include', 'locations', name];
      const { code, stdout, stderr } = await opa.run(asked, { cwd: work });
      if (code !== 0)
        throw new BundleError('policy-invalid', `opa cannot read ${name}: ${(stderr || stdout).trim()}`);
      const module = parse(stdout, asWritten);
      if (!isMapping(module)) throw new BundleError('policy-invalid', `opa reads nothing in ${name}`);
      modules.set(name, module);
    }
    return modules;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
