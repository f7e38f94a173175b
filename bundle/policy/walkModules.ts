import { isMapping } from '../format/isMapping.ts';
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

/**
 * Names declared by one body, with what each is bound to; looked up from the inside out. OPA lets a name stand for
 * anything in what comes before the expression that declares it, so a scope is seen from one expression: the `at`th.
 */
export type Scope = {
  module: Module;
  outer: Scope | null;
  declared: Map<string, Declared>;
  at: number;
};
/** `since`: the expression that declares it; it is known in those behind it. */
export type Declared = Binding & { since: number };

/** `is`: the term itself; `of`: an element of it; `argument`: of a function; `other`: anything. */
export type Binding =
  | { how: 'is' | 'of'; term: Term; scope: Scope }
  | { how: 'argument'; function: string; index: number }
  | { how: 'other' };

/** Before the first expression, and behind the last. */
const [first, last] = [-1, Number.POSITIVE_INFINITY];

export type Module = {
  file: string;
  /** `grantgate.authz`, with a dot behind. */
  prefix: string;
  /** Alias → what it stands for. */
  imports: ReadonlyMap<string, string>;
  tree: Node;
};

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

const other: Binding = { how: 'other' };

/** Looks at every node of the modules. */
export function walkModules(modules: ReadonlyMap<string, Node>): Walk {
  const walk: Walk = { modules: [], found: [], definitions: [], calls: new Map(), inside: new Map() };
  for (const [file, tree] of modules) walkModule(file, tree, walk);
  return walk;
}

function walkModule(
  file: string,
  tree: Node,
  { modules: known, found, definitions, calls, inside }: Walk,
): void {
  const packagePath = (isMapping(tree.package) ? listOf(tree.package.path) : []).slice(1).map(pathPart);
  const prefix = packagePath.map((part) => `${part ?? '?'}.`).join('');
  const imports = new Map<string, string>();
  for (const one of listOf(tree.imports)) {
    if (!isMapping(one)) continue;
    const terms = termsOf(one.path);
    const alias = typeof one.alias === 'string' ? one.alias : (constant(terms.at(-1)) ?? '?');
    imports.set(alias, nameOf(one.path)?.replace(/^data\./, '') ?? '?');
  }
  const module: Module = { file, prefix, imports, tree };
  known.push(module);
  const top: Scope = { module, outer: null, declared: new Map(), at: last };

  const call = (list: readonly Term[], scope: Scope) => {
    const [operator, ...values] = list;
    const name = nameOf(operator);
    if (name === null) return;
    const full = fullName(name, module);
    calls.set(full, [...(calls.get(full) ?? []), { name: full, arguments: values, scope }]);
  };

  const visit = (value: unknown, scope: Scope, rule: string, near: Place, parent: Node | null): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one, scope, rule, near, parent);
      return;
    }
    if (!isMapping(value)) return;
    const place = placeOf(value) ?? near;
    found.push({ node: value, scope, rule, place, parent });
    if (isTerm(value) && value.type === 'call') call(termsOf(value, 'call'), scope);
    if (Array.isArray(value.terms)) call(value.terms.filter(isTerm), scope);
    if (!Array.isArray(value.body)) {
      for (const [key, below] of Object.entries(value))
        if (key !== 'location') visit(below, scope, rule, place, value);
      return;
    }
    // What a body declares is seen in it and in what is made of it: a comprehension's term.
    const inner: Scope = { module, outer: scope, declared: new Map(), at: last };
    declareAll(value.body, inner);
    inside.set(value, inner);
    if ('domain' in value) {
      visit(value.domain, scope, rule, place, value);
      // A name that the body declares once more is left without a binding.
      const { domain } = value;
      const element = variable(value.value);
      for (const name of variablesIn([value.key, value.value])) {
        const only = name === element && name !== variable(value.key) && !inner.declared.has(name);
        inner.declared.set(name, {
          ...(only && isTerm(domain) ? { how: 'of', term: domain, scope } : other),
          since: first,
        });
      }
    }
    visitBody(value.body, inner, rule, place, value);
    for (const [key, below] of Object.entries(value))
      if (!['location', 'domain', 'body'].includes(key)) visit(below, inner, rule, place, value);
  };

  const visitBody = (
    body: readonly unknown[],
    scope: Scope,
    rule: string,
    near: Place,
    parent: Node,
  ): void => {
    body.forEach((expression, at) => {
      visit(expression, { ...scope, at }, rule, near, parent);
    });
  };

  const define = (rule: Node, own: Definition['path'], outerArguments: readonly unknown[]): void => {
    if (!isMapping(rule.head)) return;
    const name = `${prefix}${own.map((part) => part ?? '?').join('.')}`;
    const given = listOf(rule.head.args);
    const args = given.length > 0 ? given : outerArguments;
    const declared = new Map<string, Declared>();
    args.forEach((arg, index) => {
      for (const one of variablesIn(arg)) {
        const isWhole = variable(arg) === one && !declared.has(one) && !own.includes(null);
        declared.set(one, {
          ...(isWhole ? { how: 'argument', function: name, index } : other),
          since: first,
        });
      }
    });
    const parameters: Scope = { module, outer: top, declared, at: last };
    const body = listOf(rule.body);
    const scope: Scope = { module, outer: parameters, declared: new Map(), at: last };
    declareAll(body, scope);
    definitions.push({ head: rule.head, scope, path: [...packagePath, ...own] });
    const near = placeOf(rule) ?? placeOf(rule.head) ?? { line: 1, column: 1 };
    const shown = own[0] ?? '?';
    visit(rule.head, scope, shown, near, rule);
    visitBody(body, scope, shown, near, rule);
    if (isMapping(rule.else)) define(rule.else, own, args);
  };

  for (const rule of listOf(tree.rules)) {
    if (!isMapping(rule) || !isMapping(rule.head)) continue;
    const [name, ...below] = listOf(rule.head.ref);
    define(rule, [variable(name), ...below.map(pathPart)], []);
  }
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

/** All variables in a pattern. */
function variablesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(variablesIn);
  if (!isMapping(value)) return [];
  if (value.type === 'var' && typeof value.value === 'string') return [value.value];
  return Object.entries(value).flatMap(([key, below]) => (key === 'location' ? [] : variablesIn(below)));
}

function declareAll(body: readonly unknown[], scope: Scope): void {
  const { declared } = scope;
  body.forEach((expression, since) => {
    const seen = { ...scope, at: since };
    const declare = (pattern: unknown, binding: Binding) => {
      for (const name of variablesIn(pattern)) {
        const isWhole = variable(pattern) === name;
        declared.set(name, { ...(isWhole && !declared.has(name) ? binding : other), since });
      }
    };
    if (!isMapping(expression)) return;
    const { terms } = expression;
    const list = listOf(terms).filter(isTerm);
    const [operator, left, right] = list;
    if (nameOf(operator) === 'assign' && right !== undefined) {
      const plain = expression.negated !== true && list.length === 3;
      declare(left, plain ? { how: 'is', term: right, scope: seen } : other);
    }
    if (!isMapping(terms)) return;
    for (const symbol of listOf(terms.symbols)) {
      const [membership, ...values] = termsOf(symbol, 'call');
      const collection = values.at(-1);
      if (membership === undefined || collection === undefined) {
        declare(symbol, other);
        continue;
      }
      const [element, ...keys] = values.slice(0, -1).reverse();
      for (const key of keys) declare(key, other);
      declare(element, expression.negated === true ? other : { how: 'of', term: collection, scope: seen });
    }
  });
}
