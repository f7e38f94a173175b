import { isMapping } from '../../format/isMapping.ts';
import { isTerm, listOf, type Node, nameOf, type Term, termsOf, variable } from './syntax.ts';

export type Module = {
  file: string;
  /** `grantgate.authz`, with a dot behind. */
  prefix: string;
  /** Alias → what it stands for. */
  imports: ReadonlyMap<string, string>;
  tree: Node;
};

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

/** Before the first expression of a body, and behind its last. */
const beforeBody = -1;
export const behindBody = Number.POSITIVE_INFINITY;

const unknownBinding: Binding = { how: 'other' };

/** What a name is bound to where it stands: `later` where only an expression behind that declares it, null where none does. */
export function lookUp(name: string, scope: Scope): Declared | 'later' | null {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const declared = at.declared.get(name);
    if (declared !== undefined) return declared.since < at.at ? declared : 'later';
  }
  return null;
}

/** The scope inside of a body, seen from behind it. */
export function scopeOfBody(body: readonly unknown[], outer: Scope): Scope {
  const scope: Scope = { module: outer.module, outer, declared: new Map(), at: behindBody };
  body.forEach((expression, since) => {
    if (isMapping(expression)) declareExpression(expression, since, scope);
  });
  return scope;
}

/** A name that an expression or an earlier one of the same body declares twice is bound to nothing that is known. */
function declareExpression(expression: Node, since: number, scope: Scope): void {
  const { declared } = scope;
  const seen = { ...scope, at: since };
  const declare = (pattern: unknown, binding: Binding) => {
    for (const name of variablesIn(pattern)) {
      const isWhole = variable(pattern) === name;
      declared.set(name, { ...(isWhole && !declared.has(name) ? binding : unknownBinding), since });
    }
  };
  const isNegated = expression.negated === true;
  const { terms } = expression;
  const list = listOf(terms).filter(isTerm);
  const [operator, left, right] = list;
  if (nameOf(operator) === 'assign' && right !== undefined) {
    const isPlain = !isNegated && list.length === 3;
    declare(left, isPlain ? { how: 'is', term: right, scope: seen } : unknownBinding);
  }
  if (!isMapping(terms)) return;
  for (const symbol of listOf(terms.symbols)) {
    const [membership, ...values] = termsOf(symbol, 'call');
    const collection = values.at(-1);
    if (membership === undefined || collection === undefined) {
      declare(symbol, unknownBinding);
      continue;
    }
    const [element, ...keys] = values.slice(0, -1).reverse();
    for (const key of keys) declare(key, unknownBinding);
    declare(element, isNegated ? unknownBinding : { how: 'of', term: collection, scope: seen });
  }
}

/** The names that `every KEY, VALUE in DOMAIN { … }` declares before its body; one that the body declares too is not known. */
export function declareEvery(node: Node, body: Scope, outer: Scope): void {
  const { domain } = node;
  const element = variable(node.value);
  for (const name of variablesIn([node.key, node.value])) {
    const only = name === element && name !== variable(node.key) && !body.declared.has(name);
    body.declared.set(name, {
      ...(only && isTerm(domain) ? { how: 'of', term: domain, scope: outer } : unknownBinding),
      since: beforeBody,
    });
  }
}

/** The scope of a function's arguments; those of a rule whose `name` is not known are bound to nothing that is. */
export function scopeOfArguments(
  args: readonly unknown[],
  { name, outer }: { name: string | null; outer: Scope },
): Scope {
  const declared = new Map<string, Declared>();
  args.forEach((arg, index) => {
    for (const one of variablesIn(arg)) {
      const isWhole = variable(arg) === one && !declared.has(one);
      declared.set(one, {
        ...(isWhole && name !== null ? { how: 'argument', function: name, index } : unknownBinding),
        since: beforeBody,
      });
    }
  });
  return { module: outer.module, outer, declared, at: behindBody };
}

/** All variables in a pattern. */
function variablesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(variablesIn);
  if (!isMapping(value)) return [];
  if (value.type === 'var' && typeof value.value === 'string') return [value.value];
  return Object.entries(value).flatMap(([key, below]) => (key === 'location' ? [] : variablesIn(below)));
}
