import type { Problem } from '../../bundleError.ts';
import { parametersOf } from '../../openapi/parameters.ts';
import { nearMiss } from '../../yaml/nearMiss.ts';
import type { Places } from '../../yaml/places.ts';
import { problem, show } from '../../yaml/problem.ts';
import type { Fact } from './facts.ts';

type Facts = Readonly<Record<string, Fact>> | undefined;

/** What of an API's facts can never be there: parameters that none of its operations has. */
export function resolveFacts(
  facts: Facts,
  operations: ReadonlyMap<string, string>,
  places: Places,
): Problem[] {
  const known = new Set([...operations.values()].flatMap(parametersOf));
  return Object.entries(facts ?? {}).flatMap(([name, { param }]) =>
    param === undefined || known.has(param)
      ? []
      : problem(
          places.nearest(['facts', name, 'param']),
          'unknown-parameter',
          `${show(name)} is the path parameter ${show(param)}, expected one that an operation of this API has${nearMiss(param, known)}`,
        ),
  );
}

type Declared = { name: string; facts?: Facts };

/** Policies read facts of all APIs under their names: one name has one type, whichever API it is of. */
export function factTypeProblems(
  apis: Iterable<Declared>,
  placesOf: (api: string) => Places | undefined,
): Problem[] {
  const first = new Map<string, { api: string; type: Fact['type'] }>();
  const problems: Problem[] = [];
  for (const { name: api, facts } of apis)
    for (const [name, { type }] of Object.entries(facts ?? {})) {
      const known = first.get(name);
      if (known === undefined) first.set(name, { api, type });
      else if (known.type !== type)
        problems.push(
          problem(
            placesOf(api)?.nearest(['facts', name]) ?? `grants/apis/${api}.yaml`,
            'fact-type',
            `${show(name)} is ${type} here and ${known.type} at ${known.api}, expected one type for one name: policies read both as input.facts.${name}`,
          ),
        );
    }
  return problems;
}
