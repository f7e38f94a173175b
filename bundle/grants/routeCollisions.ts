import type { Problem } from '../bundleError.ts';
import { Templates } from '../openapi/templates.ts';
import type { Place } from '../yaml/places.ts';
import { problem } from '../yaml/problem.ts';
import type { Api } from './organisation.ts';

/** Where callers find an operation: host (or any), method and whole path. */
function address(api: Api, operation: string): string {
  const [method = '', path = ''] = operation.split(' ');
  return 'host' in api.route ? `${method} ${api.route.host}${path}` : `${method} ${api.route.prefix}${path}`;
}

/** Where the gateway itself publishes its keys, on whatever host. */
const reserved = /^(?:GET|HEAD) [^/]*\/\.well-known\/jwks\.json$/;

/**
 * Finds what a router could not tell apart: two APIs on one prefix or host, two operations that one request could mean
 * just as well (in one API, or across APIs when one's prefix continues another's), a parameter named twice, and what
 * callers would never reach because the gateway answers it.
 * `placeOf` gives the place of an operation, or of the API's route when no operation is named.
 */
export function routeCollisions(
  apis: readonly Api[],
  placeOf: (api: Api, operation: string | null) => Place,
): Problem[] {
  const problems: Problem[] = [];
  const routes = new Map<string, Api>();
  const taken = new Templates<{ api: Api; name: string; operation: string }>();
  for (const api of apis) {
    const route = 'host' in api.route ? `host ${api.route.host}` : `prefix ${api.route.prefix}`;
    const other = routes.get(route);
    if (other)
      problems.push(
        problem(
          placeOf(api, null),
          'route-collision',
          `the ${route} is taken by the API "${other.name}", expected one of its own`,
        ),
      );
    else routes.set(route, api);
    for (const [name, operation] of api.operations) {
      const parameters = operation.match(/\{[^}]*\}/g) ?? [];
      if (new Set(parameters).size < parameters.length)
        problems.push(
          problem(
            placeOf(api, name),
            'repeated-parameter',
            `"${name}" names a path parameter twice: ${operation}`,
          ),
        );
      if (reserved.test(address(api, operation)))
        problems.push(
          problem(
            placeOf(api, name),
            'reserved-path',
            `"${name}" (${operation}) is where the gateway publishes its own keys, expected another path`,
          ),
        );
      const whole = address(api, operation);
      const slash = whole.indexOf('/');
      const first = taken.add(whole.slice(0, slash), whole.slice(slash), { api, name, operation });
      if (first === null) continue;
      if (other === undefined || first.api === api)
        problems.push(
          problem(
            placeOf(api, name),
            'operation-collision',
            `"${name}" (${operation}) cannot be told from "${first.name}" (${first.operation})${
              first.api === api ? '' : ` of the API "${first.api.name}"`
            }`,
          ),
        );
    }
  }
  return problems;
}
