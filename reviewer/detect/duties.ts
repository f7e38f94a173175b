import { isActive } from '../../bundle/access/accountStatus.ts';
import { isLive } from '../../bundle/grants/dates.ts';
import { membersOf } from '../../bundle/grants/memberships.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';

/** What a grant is to give up so that nobody holds both sides of a pair of duties. */
export type Duty = {
  name: string;
  /** Operations of the side that this grant gives. */
  operations: readonly string[];
  /** Who holds both sides, sorted. */
  holders: readonly string[];
};

type Side = Organisation['review']['separation_of_duties'][number]['left'];

const givenOf = (grant: Grant, { api, operations }: Side) =>
  grant.api === api ? grant.covers.filter((operation) => operations.includes(operation)) : [];

/**
 * Finds, for each declared pair, everybody who holds both sides, directly or through groups, by live grants. The side
 * that they came to hold later is the one to give up, of two at once the right one. Answers by grant.
 */
export function dutiesOf(organisation: Organisation, asOf: number): Map<string, Duty[]> {
  const found = new Map<string, Duty[]>();
  const live = organisation.grants.filter((grant) => isLive(grant, asOf) && grant.cadence !== 'break-glass');
  const members = membersOf(organisation);
  for (const { name, left, right } of organisation.review.separation_of_duties) {
    const holders = new Map<string, { left: Grant[]; right: Grant[] }>();
    for (const [key, side] of [
      ['left', left],
      ['right', right],
    ] as const)
      for (const grant of live) {
        if (givenOf(grant, side).length === 0) continue;
        const who = grant.principal.startsWith('group:')
          ? (members.get(grant.principal) ?? [])
          : [grant.principal];
        for (const one of who) {
          const held = holders.get(one) ?? { left: [], right: [] };
          held[key].push(grant);
          holders.set(one, held);
        }
      }
    const given = new Map<Grant, { side: Side; holders: string[] }[]>();
    for (const [holder, held] of holders) {
      if (held.left.length === 0 || held.right.length === 0 || !isActive(holder, organisation)) continue;
      const first = (grants: readonly Grant[]) => Math.min(...grants.map(({ grantedAt }) => grantedAt));
      const key = first(held.left) > first(held.right) ? 'left' : 'right';
      const side = key === 'left' ? left : right;
      for (const grant of held[key]) {
        const known = given.get(grant) ?? [];
        given.set(grant, known);
        const same = known.find((one) => one.side === side);
        if (same) same.holders.push(holder);
        else known.push({ side, holders: [holder] });
      }
    }
    for (const [grant, sides] of given) {
      const duty = {
        name,
        operations: [...new Set(sides.flatMap(({ side }) => givenOf(grant, side)))].sort(),
        holders: [...new Set(sides.flatMap((one) => one.holders))].sort(),
      };
      found.set(grant.id, [...(found.get(grant.id) ?? []), duty]);
    }
  }
  return found;
}

/** By which live grants those who hold both sides of a pair have the one that this grant does not give them. */
export function otherSideOf(
  duty: Duty,
  grant: Grant,
  { organisation, members, asOf }: Pick<Evidence, 'organisation' | 'members' | 'asOf'>,
): { grant: string; operations: readonly string[] }[] {
  const pair = organisation.review.separation_of_duties.find(({ name }) => name === duty.name);
  if (pair === undefined) return [];
  const isGiven = ({ api, operations }: Side) =>
    api === grant.api && duty.operations.every((operation) => operations.includes(operation));
  const others = [pair.left, pair.right].filter((side) => !isGiven(side));
  const reaches = ({ principal }: Grant) =>
    duty.holders.some((one) => one === principal || (members.get(principal) ?? []).includes(one));
  return organisation.grants.flatMap((other) => {
    const operations = others.flatMap((side) => givenOf(other, side));
    return operations.length > 0 && isLive(other, asOf) && other.cadence !== 'break-glass' && reaches(other)
      ? [{ grant: other.id, operations }]
      : [];
  });
}
