import { compareCodePoints } from '../format/canonicalJson.ts';
import type { Grant } from '../grants/organisation.ts';
import { type AccessChange, compareAccess, type Held } from './compareAccess.ts';
import { grantLine } from './grantLine.ts';
import type { Access } from './openAccess.ts';

/** What becomes of somebody's access. */
export type SubjectChange = AccessChange & { subject: string };

/**
 * Works out what everybody gains and loses when grants become what `next` says by id (null: go) and all else stays;
 * principal and API of a grant stay too. It is what comparing the two revisions answers. Sorted by subject and API.
 */
export function changeGrants(
  access: Access,
  next: ReadonlyMap<string, Grant | null>,
  at: number | null,
): SubjectChange[] {
  const touched = new Map<string, Set<string>>();
  for (const { id, api, principal } of access.grants) {
    if (!next.has(id)) continue;
    for (const subject of access.reached(principal).keys()) {
      const apis = touched.get(subject);
      if (apis === undefined) touched.set(subject, new Set([api]));
      else apis.add(api);
    }
  }
  const changes: SubjectChange[] = [];
  for (const [subject, apis] of [...touched].sort(([a], [b]) => compareCodePoints(a, b))) {
    const before = Map.groupBy(access.grantsOf(subject), ({ api }) => api);
    for (const api of [...apis].sort(compareCodePoints)) {
      const was = before.get(api) ?? [];
      const is = was.flatMap((grant) => {
        const after = next.get(grant.id);
        return after === undefined ? [grant] : after === null ? [] : [after];
      });
      const open = { before: access.openOf(api), after: access.openOf(api) };
      for (const change of compareAccess(
        { name: api, rates: [access.rateOf(api)], open },
        was.map(held),
        is.map(held),
        at,
      ))
        changes.push({ ...change, subject });
    }
  }
  return changes;
}

const held = (grant: Grant): Held => ({ through: grant.principal, grant: grantLine(grant) });
