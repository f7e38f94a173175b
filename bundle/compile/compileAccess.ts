import { fold } from '../grants/names.ts';
import type { Api } from '../grants/organisation.ts';
import { readAccess } from '../grants/readGrants.ts';
import { resolveGrants } from '../grants/resolveGrants.ts';
import { type Fragment, hashId } from './fragment.ts';
import { grantLines } from './grantLines.ts';

/** What of an API its grants depend on; plain data, so that it can be handed to a thread. */
export type ApiScope = Pick<Api, 'name' | 'operations' | 'roles'>;

/** Of a refused file, which has problems, only the ids of grants are known. */
export type CompiledFile = { fragment: Fragment; refused: boolean };

/**
 * Compiles one access file by itself: what it says does not depend on other files but the API's. What the problems
 * are, whoever reads it with all others can tell.
 */
export function compileAccess(bytes: Buffer, file: string, api: ApiScope): CompiledFile {
  const read = readAccess(bytes, file, api.name);
  const { grants, problems } = resolveGrants([read], {
    apis: new Map([[api.name, api]]),
    broken: new Set(),
    services: undefined,
    networks: undefined,
  });
  const ids = BigUint64Array.from(grants, ({ id }) => hashId(id));
  if (read.problems.length > 0 || problems.length > 0)
    return { fragment: { ids, services: [], networks: [], lines: Buffer.alloc(0) }, refused: true };
  const services = new Set<string>();
  const networks = new Set<string>();
  for (const { principal, conditions } of grants) {
    if (principal.startsWith('service:')) services.add(fold(principal.slice('service:'.length)));
    for (const network of conditions?.networks ?? []) networks.add(network);
  }
  const fragment = {
    ids,
    services: [...services].sort(),
    networks: [...networks].sort(),
    lines: Buffer.from(grantLines(grants)),
  };
  return { fragment, refused: false };
}
