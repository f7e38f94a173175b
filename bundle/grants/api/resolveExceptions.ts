import type { Problem } from '../../bundleError.ts';
import { nearMiss } from '../../yaml/nearMiss.ts';
import type { Places } from '../../yaml/places.ts';
import { problem, show } from '../../yaml/problem.ts';
import type { Exception } from './exception.ts';

type Exceptions = { exceptions?: Readonly<Record<string, Exception>> | undefined; tier: string };

/** What is otherwise for single operations of an API: which, sorted. */
export function resolveExceptions(
  { exceptions = {}, tier }: Exceptions,
  operations: ReadonlyMap<string, string>,
  places: Places,
): { public: string[]; encodedSlash: string[]; problems: Problem[] } {
  const problems: Problem[] = [];
  for (const [name, exception] of Object.entries(exceptions)) {
    const at = places.key(['exceptions', name]) ?? places.nearest(['exceptions']);
    if (!operations.has(name))
      problems.push(
        problem(
          at,
          'unknown-operation',
          `"exceptions" names ${show(name)}, expected an operation of this API${nearMiss(name, operations.keys())}`,
        ),
      );
    else if (exception.encoded_slash === true && !operations.get(name)?.includes('{'))
      problems.push(
        problem(
          at,
          'encoded-slash',
          `${show(name)} has no parameter that could hold %2F, expected "encoded_slash" for one that has`,
        ),
      );
    if (tier === 'critical' && exception.public === true && exception.although_critical !== true)
      problems.push(
        problem(
          at,
          'public-critical',
          `${show(name)} is public and its API critical, expected "although_critical: true" beside "public" if anybody shall call it all the same`,
        ),
      );
  }
  const named = (is: (exception: Exception) => boolean) =>
    Object.entries(exceptions)
      .flatMap(([name, exception]) => (is(exception) ? [name] : []))
      .sort();
  return {
    public: named((exception) => exception.public === true),
    encodedSlash: named((exception) => exception.encoded_slash === true),
    problems,
  };
}
