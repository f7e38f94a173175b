import type { Access } from '../../../bundle/access/openAccess.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';

/** What is asked: all that is given must hold. Names are whole: `user:LOGIN`, `group:NAME`. */
export type Asked = {
  person: string | null;
  group: string | null;
  api: string | null;
  operation: string | null;
};

/** Who may do what, by which grant, and how they come to it. */
export type Held = { grant: Grant; subject: string; chain: readonly string[] };

/**
 * Some of the answer, and how long all of it is. What stands before and behind is counted, not made: a grant to a large
 * group holds for thousands.
 */
export function holdings(
  access: Access,
  asked: Asked,
  from: number,
  most: number,
): { rows: Held[]; total: number } {
  const { person, group, api, operation } = asked;
  const fits = (grant: Grant) =>
    (api === null || grant.api === api) && (operation === null || grant.covers.includes(operation));
  if (person !== null) {
    const all = access
      .byPerson(person)
      .filter(({ grant, chain }) => fits(grant) && (group === null || chain.includes(group)));
    return { rows: all.slice(from, from + most), total: all.length };
  }
  if (group !== null) {
    const all = access.ofGroup(group).filter(({ grant }) => fits(grant));
    const rows = all.slice(from, from + most);
    return {
      rows: rows.map(({ grant, higher }) => ({ grant, subject: group, chain: higher })),
      total: all.length,
    };
  }
  const rows: Held[] = [];
  let total = 0;
  for (const grant of access.grants) {
    if (!fits(grant) || access.idle(grant) !== null) continue;
    const reached = access.reached(grant.principal);
    const before = total;
    total += reached.size;
    if (total <= from || rows.length >= most) continue;
    let place = before;
    for (const [subject, chain] of reached) {
      if (place >= from) rows.push({ grant, subject, chain });
      place += 1;
      if (rows.length >= most) break;
    }
  }
  return { rows, total };
}
