import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { fold } from '../grants/names.ts';
import type { Grant } from '../grants/organisation.ts';

/** What the decision needs of a grant; keys that say nothing are left out. */
function entry(grant: Grant) {
  const { conditions } = grant;
  return {
    conditions: conditions && {
      mfa: conditions.mfa,
      networks: conditions.networks && [...conditions.networks].sort(),
    },
    expires: grant.expiresAt ?? undefined,
    id: grant.id,
    operations: grant.covers,
    rate: grant.limits?.rate,
    state: grant.state === 'suspended' ? 'suspended' : undefined,
  };
}

/** `"PRINCIPAL":[ENTRY,…]` for each principal who holds any of one API's grants, sorted, joined by a comma and a line feed. */
export function grantLines(grants: Iterable<Grant>): string {
  const held = new Map<string, Grant[]>();
  for (const grant of grants) {
    const principal = fold(grant.principal);
    const list = held.get(principal);
    if (list) list.push(grant);
    else held.set(principal, [grant]);
  }
  return [...held]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([principal, list]) => {
      const entries = list.sort((a, b) => compareCodePoints(a.id, b.id)).map(entry);
      return `${canonicalJson(principal)}:${canonicalJson(entries)}`;
    })
    .join(',\n');
}
