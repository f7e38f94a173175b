import type { Problem } from '../../bundleError.ts';
import { isMapping } from '../../format/isMapping.ts';
import { problemAt } from './rootRead.ts';
import type { Module } from './scopes.ts';
import { shaped } from './shapeFault.ts';
import { isLanguageImport, listOf, nameOf, placeOf } from './syntax.ts';
import type { Walk } from './walkModules.ts';

/** Calls whose meaning the examination relies on: a rule of that name would change it. */
const relied = new Set([
  ...'and array assign eq equal gt gte internal is_number lt lte minus object or plus sort'.split(' '),
  ...shaped,
]);

/** What is wrong with the names that policies give: to packages, to what they import, and to rules. */
export const nameProblems = (walk: Walk): Problem[] => [
  ...walk.modules.flatMap(packageProblems),
  ...walk.modules.flatMap(importProblems),
  ...ruleProblems(walk),
];

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
    const isOwn = /^data\.grantgate\.authz\../.test(path);
    const name = typeof alias === 'string' ? alias : (path.split('.').at(-1) ?? '');
    const isFree = !relied.has(name) && name !== 'data' && name !== 'input';
    if ((isLanguageImport(path) || isOwn) && isFree) return [];
    const message = `import ${path}: only rules below data.grantgate.authz are imported, under a name that no built-in has; data and input are written out where they are read`;
    return [{ file, ...(placeOf(one) ?? { line: 1, column: 1 }), code: 'policy', message }];
  });
}

function ruleProblems({ definitions, found }: Walk): Problem[] {
  const heads = new Set(definitions.map(({ head }) => head));
  return found
    .filter(({ node, rule }) => heads.has(node) && relied.has(rule))
    .map((at) => problemAt(at, `a rule must not be named ${at.rule}, as a built-in is`));
}
