import type { Problem } from '../bundleError.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { isMapping } from '../format/isMapping.ts';
import { sortProblems } from '../yaml/problem.ts';
import { createDocumentReads, type KnownDocuments } from './documentReads.ts';
import { createKindOf, isName, type Kind, type KindOf } from './kinds.ts';
import type { Opa } from './opa.ts';
import { apiFields, type PolicyReads } from './policyReads.ts';
import { createFaultOf, shaped } from './shapes.ts';
import {
  callIn,
  constant,
  isTerm,
  listOf,
  type Node,
  nameOf,
  parsePolicies,
  placeOf,
  type Term,
  termsOf,
  variable,
} from './syntax.ts';
import { type Found, type Module, walkModules } from './walkModules.ts';

export const inputFields = [
  'api',
  'claims',
  'facts',
  'groups',
  'groups_from',
  'method',
  'mfa',
  'networks',
  'operation',
  'params',
  'path',
  'subject',
  'time',
];

/** Calls whose meaning the examination relies on: a rule of that name would change it. */
const relied = new Set([
  ...'and array assign eq equal gt gte internal is_number lt lte minus object or plus sort'.split(' '),
  ...shaped,
]);

/** What a policy reads, and where it may read what a decision does not get. */
export type Examined = {
  problems: Problem[];
  reads: Pick<PolicyReads, 'api' | 'clock' | 'documents' | 'facts' | 'networks'>;
  /** Each place where a fact is read, by its name. */
  facts: readonly { name: string; rule: string; file: string; line: number; column: number }[];
};

/**
 * Tells from OPA's syntax tree what a policy reads, and lists each place that may read what a decision does not get:
 * there it would not be seen, and a rule that denies would be silent. `documents` are the data documents there are. Throws
 * BundleError `policy-invalid`, OpaError.
 */
export async function examinePolicy(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  documents: KnownDocuments = new Map(),
): Promise<Examined> {
  const walk = walkModules(await parsePolicies(opa, policies));
  const kindOf = createKindOf(walk);
  const faultOf = createFaultOf(walk, kindOf);
  const documentReads = createDocumentReads(documents, kindOf);
  const problems: Problem[] = [];
  const api = new Set<(typeof apiFields)[number]>();
  const facts: Examined['facts'][number][] = [];
  let networks = false;
  let clock = false;

  const refuse = ({ scope, place, rule }: Found, message: string) =>
    problems.push({
      file: scope.module.file,
      ...place,
      code: 'policy',
      message: `${rule || 'import'}: ${message}`,
    });

  for (const { head } of walk.definitions) {
    const at = walk.found.find(({ node }) => node === head);
    if (at && relied.has(at.rule)) refuse(at, `a rule must not be named ${at.rule}, as a built-in is`);
  }

  const readApi = (field: Term | undefined, found: Found) => {
    const name = constant(field);
    const known = apiFields.find((one) => one === name);
    if (known !== undefined) api.add(known);
    else if (name === null) for (const one of apiFields) api.add(one);
    else refuse(found, `an API's entry has no ${name}, expected one of ${apiFields.join(', ')}`);
  };

  const readData = (path: readonly Term[], found: Found) => {
    const [part, key, next] = path;
    const kind = (term: Term | undefined): Kind | null => kindOf(term, found.scope);
    switch (constant(part)) {
      case 'grantgate':
        if (constant(key) !== 'authz' || constant(next) === null)
          refuse(found, 'of data.grantgate only a rule below data.grantgate.authz can be named');
        return;
      case 'apis':
        if (kind(key) !== 'api') refuse(found, 'of data.apis a decision gets data.apis[input.api] only');
        else readApi(next, found);
        return;
      case 'documents': {
        const fault = documentReads.read(key, next, found);
        if (fault !== null) refuse(found, fault);
        return;
      }
      case 'networks':
        networks = true;
        return;
      case 'principals':
        if (kind(key) !== 'subject')
          refuse(found, 'of data.principals a decision gets data.principals[input.subject] only');
        return;
      case 'grants':
        if (kind(key) !== 'api' || !isName(kind(next)))
          refuse(
            found,
            'of data.grants a decision gets data.grants[input.api][name] only, where name is surely input.subject or one of the groups of the caller (input.groups, data.principals[input.subject].groups)',
          );
        return;
      case null:
        refuse(
          found,
          'data must be read by a name that stands there, expected apis, documents, grants, networks or principals',
        );
        return;
      default:
        refuse(
          found,
          `a decision does not get data.${constant(part)}, expected apis, documents, grants, networks or principals`,
        );
    }
  };

  const readFact = ([, field]: readonly Term[], found: Found) => {
    const name = field === undefined ? defaulted(found) : constant(field);
    if (name === null) refuse(found, factsWhole);
    else facts.push({ name, rule: found.rule, file: found.scope.module.file, ...found.place });
  };

  const readInput = (path: readonly Term[], found: Found) => {
    const [field] = path;
    const name = constant(field);
    if (field === undefined) {
      const wanted = defaulted(found);
      if (wanted === 'facts') refuse(found, factsWhole);
      else if (wanted === null)
        refuse(
          found,
          'input must be read by a field that stands there, as input.method or object.get(input, "method", "")',
        );
      else if (!inputFields.includes(wanted))
        refuse(found, `a decision does not get input.${wanted}, expected one of ${inputFields.join(', ')}`);
      else if (wanted === 'time') clock = true;
    } else if (name === null) refuse(found, 'a field of input must be named, not computed');
    else if (!inputFields.includes(name))
      refuse(found, `a decision does not get input.${name}, expected one of ${inputFields.join(', ')}`);
    else if (name === 'facts') readFact(path, found);
    else if ((name === 'params' || name === 'claims') && constant(path[1]) !== null)
      refuse(
        found,
        `of input.${name} a decision gets what grants of the caller restrict: it is read by a name that such a grant has, as in input.params[name]`,
      );
  };

  const roots = new Set<Node>();
  const sanctioned = new Set<unknown>();
  for (const found of walk.found) {
    const { node } = found;
    const fault = faultOf(found);
    if (fault !== null) refuse(found, fault);
    if ('target' in node && 'value' in node && !isTerm(node))
      refuse(found, 'with is for tests: a decision is made of what the request and the document say');
    if (!isTerm(node)) continue;
    const [head, ...path] = termsOf(node);
    const root = head?.type === 'var' ? variable(head) : null;
    if (head !== undefined && (root === 'data' || root === 'input')) {
      roots.add(head);
      if (root === 'data') readData(path, found);
      else readInput(path, found);
    }
    if (node.type === 'var' && (node.value === 'data' || node.value === 'input') && !roots.has(node))
      refuse(found, `nothing else may be named ${String(node.value)}`);
    clock ||= isClock(found, kindOf, sanctioned);
  }
  problems.push(...walk.modules.flatMap(packageProblems), ...walk.modules.flatMap(importProblems));
  return {
    problems: sortProblems(problems),
    reads: {
      api: [...api].sort(compareCodePoints),
      clock,
      networks,
      ...documentReads.all(),
      ...(facts.length > 0 && {
        facts: [...new Set(facts.map(({ name }) => name))].sort(compareCodePoints),
      }),
    },
    facts,
  };
}

const factsWhole =
  'a fact must be read by a name that stands there, as input.facts.country or object.get(input.facts, "country", "")';

/** The field that `object.get(input, "FIELD", …)` reads, or null. */
function defaulted(found: Found): string | null {
  const { name, values } = callIn(found.parent);
  return name === 'object.get' && values[0] === found.node ? constant(values[1]) : null;
}

/**
 * Whether a node may make answers change at other moments than the ends of the caller's grants: the time, or an end
 * that is taken from it, in anything but `input.time < END`. Known to be good are the times in `sanctioned`.
 */
function isClock(found: Found, kindOf: KindOf, sanctioned: Set<unknown>): boolean {
  const { node, scope } = found;
  const path = termsOf(node);
  const isTime = variable(path[0]) === 'input' && constant(path[1]) === 'time';
  const isLater = kindOf(node, scope) === 'later';
  if (isLater) sanctioned.add(termsOf(termsOf(node, 'call')[3], 'call')[1]);
  if (!isTime && !isLater) return false;
  if (sanctioned.has(node)) return false;
  const { name, values } = callIn(found.parent);
  const [left, right] = values;
  if (name === 'is_number' || (isLater && name === 'assign')) return false;
  const isEnd = (term: unknown) => ['expires', 'later'].includes(kindOf(term, scope) ?? '');
  const isNow = (term: unknown) => nameOf(term) === 'input.time';
  if (name === 'lt' || name === 'gte') return !(isNow(left) && isEnd(right));
  if (name === 'gt' || name === 'lte') return !(isEnd(left) && isNow(right));
  return true;
}

/** A package elsewhere would make up the document: as OPA reads its name, however it is written. */
function packageProblems({ file, prefix, tree }: Module): Problem[] {
  if (prefix.startsWith('grantgate.authz.')) return [];
  const message = `package ${prefix.slice(0, -1)}: the package must be grantgate.authz or below it`;
  return [{ file, ...(placeOf(tree.package) ?? { line: 1, column: 1 }), code: 'policy', message }];
}

function importProblems({ file, tree }: Module): Problem[] {
  return listOf(tree.imports).flatMap((one): Problem[] => {
    const path = isMapping(one) ? (nameOf(one.path) ?? '') : '';
    const alias = isMapping(one) ? one.alias : undefined;
    const isLanguage = /^(?:rego\.v1|future\.keywords(?:\..*)?)$/.test(path);
    const isOwn = /^data\.grantgate\.authz\../.test(path);
    const name = typeof alias === 'string' ? alias : (path.split('.').at(-1) ?? '');
    if ((isLanguage || isOwn) && !relied.has(name) && name !== 'data' && name !== 'input') return [];
    const message = `import ${path}: only rules below data.grantgate.authz are imported, under a name that no built-in has; data and input are written out where they are read`;
    return [{ file, ...(placeOf(one) ?? { line: 1, column: 1 }), code: 'policy', message }];
  });
}
