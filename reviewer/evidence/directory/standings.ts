import { isDeepStrictEqual } from 'node:util';
import { fold } from '../../../bundle/grants/names.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { certifiedAt } from './certifiedAt.ts';
import type { DirectoriesAt, Position } from './directoriesAt.ts';

/** Whom a group reached, folded; of very many only how many. */
type Reached = readonly string[] | number;
export type Standing = Position | Reached;

const mostNamed = 1_000;

export const isPosition = (standing: Standing): standing is Position =>
  typeof standing === 'object' && 'manager' in standing;
export const sizeOf = (reached: Reached): number => (typeof reached === 'number' ? reached : reached.length);

const isAlike = (one: Position, other: Position) =>
  one.manager === other.manager && isDeepStrictEqual(new Set(one.groups), new Set(other.groups));

function standingAt(name: string, moment: DirectoriesAt): Standing | null {
  if (!name.startsWith('group:')) return moment.position(name);
  if (!moment.knows(name)) return null;
  const members = moment.members(name);
  return members.length > mostNamed ? members.length : members;
}

/** The place of the first of some, sorted by instant, that is none before another. */
function firstFrom(sorted: readonly { at: number }[], from: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.at ?? from) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where people stood, and whom groups reached, when the grants that they hold were last certified; grants of services have none. */
export function createStandings(grants: readonly Grant[]) {
  const certified = grants
    .filter(({ principal }) => !principal.startsWith('service:'))
    .map((grant) => ({ grant, at: certifiedAt(grant) }))
    .sort((a, b) => a.at - b.at);
  let next = 0;
  const found = new Map<string, Standing>();
  const beside = new Map<string, { id: string; name: string; standing: Standing }>();

  /** Of those not passed yet, the ones certified before `until` stood as `moment` has it; null: nothing was known. */
  const pass = (until: number, moment: DirectoriesAt | null): void => {
    for (let one = certified[next]; one !== undefined && one.at < until; one = certified[++next]) {
      if (moment === null) continue;
      const standing = standingAt(fold(one.grant.principal), moment);
      if (standing !== null) found.set(one.grant.id, standing);
    }
  };
  return {
    pass,
    /**
     * What a merged branch, whose states come oldest first, said from one instant on and before another: it may have been
     * what whoever certified a grant saw.
     */
    noteBeside(
      { from, until, merge }: { from: number; until: number; merge: string },
      moment: DirectoriesAt,
    ): void {
      for (let index = firstFrom(certified, from); ; index += 1) {
        const one = certified[index];
        if (one === undefined || one.at >= until) return;
        const { id, principal } = one.grant;
        const name = fold(principal);
        const standing = standingAt(name, moment);
        if (standing !== null) beside.set(`${merge} ${id}`, { id, name, standing });
      }
    },
    /** Of all that may have been, what is least unlike now. */
    end(now: DirectoriesAt | null): ReadonlyMap<string, Standing> {
      pass(Number.POSITIVE_INFINITY, now);
      for (const { id, name, standing } of beside.values()) {
        const line = found.get(id);
        if (line === undefined) continue;
        const isNearer =
          isPosition(standing) || isPosition(line)
            ? isPosition(standing) && isAlike(standing, now?.position(name) ?? standing)
            : sizeOf(standing) > sizeOf(line);
        if (isNearer) found.set(id, standing);
      }
      return found;
    },
  };
}
