import { isMapping } from '../../format/isMapping.ts';
import {
  behindBody,
  declareEvery,
  type Module,
  type Scope,
  scopeOfArguments,
  scopeOfBody,
} from './scopes.ts';
import {
  constant,
  isTerm,
  listOf,
  type Node,
  nameOf,
  type Place,
  partOf,
  placeOf,
  type Term,
  termsOf,
  variable,
} from './syntax.ts';

/** One definition of a rule, an `else` being another. `path` is whole, from the package on; null: any name. */
export type Definition = { head: Node; scope: Scope; path: readonly (string | null)[] };
export type Call = { name: string; arguments: readonly Term[]; scope: Scope };
/** A term, or another node that is looked at, with where it stands. */
export type Found = { node: Node; scope: Scope; rule: string; place: Place; parent: Node | null };

/** All that is to be known of policies: each node with its scope, each rule and each call by its full name. */
export type Walk = {
  modules: Module[];
  found: Found[];
  definitions: Definition[];
  calls: Map<string, Call[]>;
  /** What is seen inside of a node that has a body. */
  inside: Map<Node, Scope>;
};

/** Looks at every node of the modules. */
export function walkModules(modules: ReadonlyMap<string, Node>): Walk {
  const walk: Walk = { modules: [], found: [], definitions: [], calls: new Map(), inside: new Map() };
  for (const [file, tree] of modules) {
    const packagePath = (isMapping(tree.package) ? listOf(tree.package.path) : []).slice(1).map(pathPart);
    const prefix = packagePath.map((part) => `${part ?? '?'}.`).join('');
    const module: Module = { file, prefix, imports: importsOf(tree), tree };
    walk.modules.push(module);
    walkRules(module, packagePath, walk);
  }
  return walk;
}

function importsOf(tree: Node): Map<string, string> {
  const imports = new Map<string, string>();
  for (const one of listOf(tree.imports)) {
    if (!isMapping(one)) continue;
    const alias = typeof one.alias === 'string' ? one.alias : (constant(termsOf(one.path).at(-1)) ?? '?');
    imports.set(alias, nameOf(one.path)?.replace(/^data\./, '') ?? '?');
  }
  return imports;
}

function walkRules(module: Module, packagePath: Definition['path'], walk: Walk): void {
  const top: Scope = { module, outer: null, declared: new Map(), at: behindBody };

  const define = (rule: Node, own: Definition['path'], outerArguments: readonly unknown[]): void => {
    if (!isMapping(rule.head)) return;
    const given = listOf(rule.head.args);
    const args = given.length > 0 ? given : outerArguments;
    const name = own.includes(null) ? null : `${module.prefix}${own.join('.')}`;
    const body = listOf(rule.body);
    const scope = scopeOfBody(body, scopeOfArguments(args, { name, outer: top }));
    walk.definitions.push({ head: rule.head, scope, path: [...packagePath, ...own] });
    const near = {
      rule: own[0] ?? '?',
      place: placeOf(rule) ?? placeOf(rule.head) ?? { line: 1, column: 1 },
      parent: rule,
    };
    visit(rule.head, { ...near, scope }, walk);
    visitBody(body, { ...near, scope }, walk);
    if (isMapping(rule.else)) define(rule.else, own, args);
  };

  for (const rule of listOf(module.tree.rules)) {
    if (!isMapping(rule) || !isMapping(rule.head)) continue;
    const [name, ...below] = listOf(rule.head.ref);
    define(rule, [variable(name), ...below.map(pathPart)], []);
  }
}

/** Where a node stands, its `place` being the nearest that is known. */
type Around = Omit<Found, 'node'>;

function visit(value: unknown, around: Around, walk: Walk): void {
  if (Array.isArray(value)) {
    for (const one of value) visit(one, around, walk);
    return;
  }
  if (!isMapping(value)) return;
  const { scope, rule } = around;
  const place = placeOf(value) ?? around.place;
  walk.found.push({ ...around, node: value, place });
  if (isTerm(value) && value.type === 'call') noteCall(termsOf(value, 'call'), scope, walk);
  if (Array.isArray(value.terms)) noteCall(value.terms.filter(isTerm), scope, walk);
  const below: Around = { scope, rule, place, parent: value };
  if (!Array.isArray(value.body)) {
    for (const [key, part] of Object.entries(value)) if (key !== 'location') visit(part, below, walk);
    return;
  }
  // What a body declares is seen in it and in what is made of it: a comprehension's term.
  const inner = scopeOfBody(value.body, scope);
  walk.inside.set(value, inner);
  if ('domain' in value) {
    visit(value.domain, below, walk);
    declareEvery(value, inner, scope);
  }
  visitBody(value.body, { ...below, scope: inner }, walk);
  for (const [key, part] of Object.entries(value))
    if (!['location', 'domain', 'body'].includes(key)) visit(part, { ...below, scope: inner }, walk);
}

function visitBody(body: readonly unknown[], around: Around, walk: Walk): void {
  body.forEach((expression, at) => {
    visit(expression, { ...around, scope: { ...around.scope, at } }, walk);
  });
}

function noteCall([operator, ...values]: readonly Term[], scope: Scope, { calls }: Walk): void {
  const name = nameOf(operator);
  if (name === null) return;
  const full = fullName(name, scope.module);
  calls.set(full, [...(calls.get(full) ?? []), { name: full, arguments: values, scope }]);
}

/** What may be any name, or is written in more ways than one, is null. */
const pathPart = (term: unknown): string | null => (partOf(term) === '?' ? null : partOf(term));

/** What a called name stands for: through an import, spelt in full, or of the same package. */
function fullName(name: string, { prefix, imports }: Module): string {
  const [first = '', ...rest] = name.split('.');
  if (first === 'data') return rest.join('.');
  const imported = imports.get(first);
  if (imported !== undefined) return [imported, ...rest].join('.');
  return `${prefix}${name}`;
}

/**
 * The definitions that have a part in what stands at a path, whichever package they are of: those at it, above it or
 * below it. What is computed may be any name.
 */
export const definitionsAt = ({ definitions }: Walk, path: readonly string[]): Definition[] =>
  definitions.filter((one) =>
    path.every((part, at) => one.path[at] === undefined || one.path[at] === null || one.path[at] === part),
  );
