import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Edit } from '../edit/edit.ts';
import type { Narrowed } from '../edit/narrow.ts';

/** What is taken away comes last, and nothing is written into what goes. */
const order: readonly Edit['kind'][] = ['set', 'suspend', 'narrow', 'delete'];

/**
 * Makes of all edits of each grant what they say together, in the grants' order: one that goes goes once, and what is
 * narrowed twice keeps only what both leave.
 */
export function combine(
  edits: readonly Edit[],
  { apis, grants }: Pick<Organisation, 'apis' | 'grants'>,
): Edit[] {
  const byGrant = new Map<string, Edit[]>();
  for (const edit of edits) byGrant.set(edit.grant, [...(byGrant.get(edit.grant) ?? []), edit]);
  return [...byGrant].flatMap(([id, all]): Edit[] => {
    const deleting = all.find(({ kind }) => kind === 'delete');
    if (deleting !== undefined) return [deleting];
    const sorted = all.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    const narrowing = sorted.filter((edit) => edit.kind === 'narrow');
    const [one, ...more] = narrowing;
    if (one === undefined || more.length === 0) return sorted;
    const api = grants.find((grant) => grant.id === id)?.api ?? '';
    const coversOf = (to: Narrowed) =>
      'role' in to ? (apis.get(api)?.roles.get(to.role) ?? []) : to.operations;
    const both = more.reduce<readonly string[]>(
      (left, { to }) => left.filter((name) => coversOf(to).includes(name)),
      coversOf(one.to),
    );
    if (both.length === 0) return [{ kind: 'delete', grant: id }];
    const same = narrowing.find(({ to }) => coversOf(to).length === both.length);
    return [
      ...sorted.filter((edit) => edit.kind !== 'narrow'),
      same ?? { kind: 'narrow', grant: id, to: { operations: [...both].sort() } },
    ];
  });
}
