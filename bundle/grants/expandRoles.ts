import type { Problem } from '../bundleError.ts';
import { nearMiss } from '../yaml/nearMiss.ts';
import type { Places } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';

/** Far above any real API; it bounds how deep a chain of roles can go. */
const mostRoles = 1000;

/**
 * Expands the roles of one API to sorted operation names; a role's items are operations or other roles. Problems:
 * an item that is neither, a role named like an operation, roles that include each other in a circle.
 */
export function expandRoles(
  roles: Readonly<Record<string, readonly string[]>>,
  operations: ReadonlySet<string>,
  places: Places,
): { roles: Map<string, readonly string[]>; problems: Problem[] } {
  const problems: Problem[] = [];
  const at = (...path: (string | number)[]) => places.value(['roles', ...path]) ?? places.nearest(['roles']);
  const expanded = new Map<string, readonly string[]>();

  if (Object.keys(roles).length > mostRoles) {
    const count = Object.keys(roles).length;
    problems.push(problem(at(), 'too-many-roles', `an API has at most ${mostRoles} roles, got ${count}`));
    return { roles: expanded, problems };
  }
  for (const [name, items] of Object.entries(roles)) {
    if (operations.has(name))
      problems.push(
        problem(
          places.key(['roles', name]) ?? at(name),
          'role-shadows-operation',
          `the role ${show(name)} has the name of an operation, expected a name of its own`,
        ),
      );
    items.forEach((item, index) => {
      if (operations.has(item) || Object.hasOwn(roles, item)) return;
      problems.push(
        problem(
          at(name, index),
          'unknown-operation',
          `the role ${show(name)} names ${show(item)}, expected an operation or a role of this API${nearMiss(item, [...operations, ...Object.keys(roles)])}`,
        ),
      );
    });
  }

  const expand = (name: string, path: readonly string[]): readonly string[] => {
    const known = expanded.get(name);
    if (known) return known;
    const covers = new Set<string>();
    (roles[name] ?? []).forEach((item, index) => {
      if (operations.has(item)) {
        covers.add(item);
      } else if (Object.hasOwn(roles, item)) {
        const inside = [...path, name];
        const start = inside.indexOf(item);
        if (start < 0) for (const operation of expand(item, inside)) covers.add(operation);
        else {
          problems.push(
            problem(
              at(name, index),
              'role-cycle',
              `roles include each other in a circle: ${[...inside.slice(start), item].join(' → ')}`,
            ),
          );
        }
      }
    });
    const sorted = [...covers].sort();
    expanded.set(name, sorted);
    return sorted;
  };
  for (const name of Object.keys(roles)) expand(name, []);
  return { roles: expanded, problems };
}
