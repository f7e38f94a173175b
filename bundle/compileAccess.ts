import { type Fragment, hashId } from './fragment.ts';
import { grantLines } from './grantLines.ts';
import type { Api } from './model.ts';
import { readAccess } from './readGrants.ts';
import { resolveGrants } from './resolveGrants.ts';

/** What of an API its grants depend on; plain data, so that it can be handed to a thread. */
export type ApiScope = Pick<Api, 'name' | 'operations' | 'roles'>;

/**
 * Compiles one access file by itself: what it says does not depend on other files but the API's. Null when it has
 * problems, which whoever reads it with all others can tell.
 */
export function compileAccess(bytes: Buffer, file: string, api: ApiScope): Fragment | null {
  const read = readAccess(bytes, file, api.name);
  if (read.problems.length > 0) return null;
  const { grants, problems } = resolveGrants([read], {
    apis: new Map([[api.name, api]]),
    broken: new Set(),
    services: undefined,
    networks: undefined,
  });
  if (problems.length > 0) return null;
  const services = new Set<string>();
  const networks = new Set<string>();
  const ids = new BigUint64Array(grants.length);
  for (const [index, { id, principal, conditions }] of grants.entries()) {
    ids[index] = hashId(id);
    if (principal.startsWith('service:')) services.add(principal.slice('service:'.length));
    for (const network of conditions?.networks ?? []) networks.add(network);
  }
  return {
    ids,
    services: [...services].sort(),
    networks: [...networks].sort(),
    lines: Buffer.from(grantLines(grants)),
  };
}
