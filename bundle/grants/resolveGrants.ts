import type { Problem } from '../bundleError.ts';
import { parametersOf } from '../openapi/parameters.ts';
import { nearMiss } from '../yaml/nearMiss.ts';
import type { Place } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';
import { endOf, startOf } from './dates.ts';
import type { Api, Grant } from './organisation.ts';
import type { AccessRead } from './readGrants.ts';
import type { GrantEntry } from './schema.ts';

/** What grants may refer to. Undefined stands for a file that could not be read: then nothing is judged by it. */
export type Known = {
  apis: ReadonlyMap<string, Pick<Api, 'name' | 'operations' | 'roles'>>;
  broken: ReadonlySet<string>;
  services: { has(name: string): boolean } | undefined;
  networks: ReadonlySet<string> | undefined;
};

/** Resolves every grant to the operations it covers and checks what it refers to. */
export function resolveGrants(
  files: readonly AccessRead[],
  known: Known,
): { grants: Grant[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const grants: Grant[] = [];
  const ids = new Map<string, Place>();
  for (const file of files) {
    if (!known.apis.has(file.api) && !known.broken.has(file.api))
      problems.push(
        problem(
          file.file,
          'unknown-api',
          `the folder ${show(file.api)} is named after no API, expected one of ${[...known.apis.keys()].join(', ') || 'grants/apis/'}`,
        ),
      );
    for (const { index, entry } of file.entries) {
      const at = (...path: (string | number)[]) => file.places.nearest([index, ...path]);
      const report = (place: Place, code: string, message: string) => {
        problems.push(problem(place, code, message));
      };
      const first = ids.get(entry.id);
      if (first)
        report(
          at('id'),
          'repeated-id',
          `the grant id ${show(entry.id)} is taken at ${first.file}:${first.line}`,
        );
      else ids.set(entry.id, at('id'));
      if (entry.api !== file.api)
        report(
          at('api'),
          'api-folder',
          `"api" of ${show(entry.id)} must be ${show(file.api)} as its folder is named, got ${show(entry.api)}`,
        );
      const covers = coverage(entry, known.apis.get(file.api), (path, code, message) =>
        report(at(...path), code, message),
      );
      const [kind, name = ''] = entry.principal.split(':', 2);
      if (kind === 'service' && known.services && !known.services.has(name))
        report(
          at('principal'),
          'unknown-service',
          `${show(entry.principal)} of ${show(entry.id)} is not in directory/services.yaml`,
        );
      entry.conditions?.networks?.forEach((network, position) => {
        if (known.networks && !known.networks.has(network))
          report(
            at('conditions', 'networks', position),
            'unknown-network',
            `the network ${show(network)} is not declared in networks.yaml${nearMiss(network, known.networks)}, expected one of ${[...known.networks].join(', ') || 'none: it declares no network'}`,
          );
      });
      const grantedAt = startOf(entry.granted);
      const expiresAt = entry.expires === undefined ? null : endOf(entry.expires);
      if (expiresAt !== null && expiresAt <= grantedAt)
        report(
          at('expires'),
          'expires-before-granted',
          `"expires" of ${show(entry.id)} must not be before "granted" (${entry.granted}), got ${show(entry.expires)}`,
        );
      grants.push({ ...entry, covers, grantedAt, expiresAt, place: file.places.value([index]) ?? at() });
    }
  }
  return { grants, problems };
}

function coverage(
  entry: GrantEntry,
  api: Pick<Api, 'name' | 'operations' | 'roles'> | undefined,
  report: (path: (string | number)[], code: string, message: string) => void,
): readonly string[] {
  // The folder or the API's own file is already at fault; a second complaint would not help.
  if (api === undefined || api.name !== entry.api) return [];
  const restricted = restrictedBy(entry, api, report);
  const lacks = (operation: string): string | undefined => {
    const own = parametersOf(api.operations.get(operation) ?? '');
    return restricted.find((name) => !own.includes(name));
  };
  if (entry.role !== undefined) {
    const covered = api.roles.get(entry.role);
    if (covered === undefined)
      report(
        ['role'],
        'unknown-role',
        `"role" of ${show(entry.id)} must be a role of ${api.name} (${[...api.roles.keys()].join(', ') || 'it has none'}), got ${show(entry.role)}${nearMiss(entry.role, api.roles.keys())}`,
      );
    // One list for all grants of a role: there may be a million.
    if (covered !== undefined && restricted.length === 0) return covered;
    const within = (covered ?? []).filter((operation) => lacks(operation) === undefined);
    if (covered !== undefined && covered.length > 0 && within.length === 0)
      report(
        ['params'],
        'parameter-missing',
        `"params" of ${show(entry.id)} must name path parameters that an operation of the role ${entry.role} has, got ${restricted.map(show).join(', ')}`,
      );
    return within;
  }
  entry.operations?.forEach((operation, index) => {
    if (!api.operations.has(operation))
      report(
        ['operations', index],
        'unknown-operation',
        `"operations" of ${show(entry.id)} must name operations of ${api.name}, got ${show(operation)}${nearMiss(operation, api.operations.keys())}`,
      );
    else if (lacks(operation) !== undefined)
      report(
        ['operations', index],
        'parameter-missing',
        `"operations" of ${show(entry.id)} must have every parameter that "params" names, got ${show(operation)} without ${show(lacks(operation))} (${api.operations.get(operation)})`,
      );
  });
  return [...(entry.operations ?? [])].sort();
}

/** The parameters that a grant restricts, less those that its API does not have: they are reported. */
function restrictedBy(
  { id, params = {} }: GrantEntry,
  api: Pick<Api, 'name' | 'operations'>,
  report: (path: (string | number)[], code: string, message: string) => void,
): string[] {
  const names = Object.keys(params);
  if (names.length === 0) return names;
  const known = new Set([...api.operations.values()].flatMap(parametersOf));
  return names.filter((name) => {
    if (known.has(name)) return true;
    report(
      ['params', name],
      'unknown-parameter',
      `"params" of ${show(id)} must name path parameters of ${api.name} that stand once and alone in their segment (${[...known].sort().join(', ') || 'it has none'}), got ${show(name)}${nearMiss(name, known)}`,
    );
    return false;
  });
}
