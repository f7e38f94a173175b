import { BundleError, type Problem } from './bundleError.ts';
import type { Organisation } from './grants/organisation.ts';
import { type Examined, examinePolicy } from './policy/examine/examinePolicy.ts';
import type { PolicyReads } from './policy/examine/policyReads.ts';
import type { Opa } from './policy/opa.ts';
import { nearMiss } from './yaml/nearMiss.ts';
import { formatProblem } from './yaml/problem.ts';

/** Each fact's type (`text`, `number`, `boolean`, `list`) by its name, which is one for all APIs; none of no organisation. */
export const factTypes = (organisation: Pick<Organisation, 'apis'> | null): ReadonlyMap<string, string> =>
  new Map(
    [...(organisation?.apis.values() ?? [])].flatMap(({ facts = {} }) =>
      Object.entries(facts).map(([name, { type }]) => [name, type] as const),
    ),
  );

/**
 * The places of a policy that read a fact which no API names: there it would never be seen, and a rule that denies by it
 * would be silent.
 */
export function unknownFacts(
  { facts }: Pick<Examined, 'facts'>,
  declared: { has(name: string): boolean; keys(): Iterable<string> },
): Problem[] {
  const known = [...declared.keys()].sort().join(', ');
  const expected = known === '' ? 'and none names any' : `expected one of ${known}`;
  return facts
    .filter(({ name }) => !declared.has(name))
    .map(({ name, rule, ...place }) => ({
      ...place,
      code: 'policy',
      message: `${rule}: no API names a fact ${name}${nearMiss(name, declared.keys())}, ${expected}`,
    }));
}

/** Throws BundleError `policy-invalid` with the places where a policy reads a fact that no API of data.json names. */
export async function assertKnowsFacts(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  { facts: read = [] }: Pick<PolicyReads, 'facts'>,
  data: Buffer,
): Promise<void> {
  if (read.length === 0) return;
  const declared = declaredFacts(data);
  if (read.every((name) => declared.has(name))) return;
  const problems = unknownFacts(await examinePolicy(opa, policies), declared);
  throw new BundleError('policy-invalid', problems.map(formatProblem).join('\n'));
}

/** What is told of APIs is the first line of data.json. */
function declaredFacts(data: Buffer): ReadonlySet<string> {
  const line = data.toString('utf8', '{"apis":'.length, data.indexOf(',\n"credentials":'));
  const apis = JSON.parse(line) as Record<string, { facts?: object }>;
  return new Set(Object.values(apis).flatMap(({ facts = {} }) => Object.keys(facts)));
}
