import type { Problem } from '../bundleError.ts';
import { problem, show } from '../yaml/problem.ts';
import type { GrantsRead } from './readGrants.ts';
import type { Known } from './resolveGrants.ts';

/**
 * Checks what grants/review.yaml refers to: the sides of a separation of duties, and the grants of exemptions. The file
 * is kept by hand, so an exemption whose grant is gone is a mistake: it would apply to nothing, or wait for a namesake.
 * `ids` is undefined when an access file could not be read.
 */
export function reviewReferences(
  read: GrantsRead,
  known: Pick<Known, 'apis' | 'broken'>,
  ids: { has(id: string): boolean } | undefined,
): Problem[] {
  const review = read.review;
  if (review?.value === undefined) return [];
  const problems: Problem[] = [];
  const { places, value } = review;
  const side = (
    path: (string | number)[],
    { api, operations }: { api: string; operations: readonly string[] },
  ) => {
    const found = known.apis.get(api);
    if (found === undefined) {
      if (!known.broken.has(api))
        problems.push(
          problem(places.nearest([...path, 'api']), 'unknown-api', `there is no API ${show(api)}`),
        );
      return;
    }
    operations.forEach((operation, index) => {
      if (!found.operations.has(operation))
        problems.push(
          problem(
            places.nearest([...path, 'operations', index]),
            'unknown-operation',
            `the API ${show(api)} has no operation ${show(operation)}`,
          ),
        );
    });
  };
  value.separation_of_duties.forEach((pair, index) => {
    side(['separation_of_duties', index, 'left'], pair.left);
    side(['separation_of_duties', index, 'right'], pair.right);
  });
  value.exemptions.forEach((exemption, index) => {
    if (ids && !ids.has(exemption.grant))
      problems.push(
        problem(
          places.nearest(['exemptions', index, 'grant']),
          'unknown-grant',
          `there is no grant ${show(exemption.grant)}, expected one to exempt`,
        ),
      );
  });
  return problems;
}
