import { grantLine } from '../access/grantLine.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { fold } from '../grants/names.ts';
import type { Grant } from '../grants/organisation.ts';

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
      const entries = list.sort((a, b) => compareCodePoints(a.id, b.id)).map(grantLine);
      return `${canonicalJson(principal)}:${canonicalJson(entries)}`;
    })
    .join(',\n');
}
