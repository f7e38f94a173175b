import { isDeepStrictEqual } from 'node:util';
import { fold } from '../../../bundle/grants/names.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import type { createDirectoriesAt, Position } from './directoriesAt.ts';

/** Whom a group reached, folded; of very many only how many. */
type Reached = readonly string[] | number;
export type Standing = Position | Reached;
type Moment = ReturnType<typeof createDirectoriesAt>;

const mostNamed = 1_000;

export const isPosition = (standing: Standing): standing is Position =>
  typeof standing === 'object' && 'manager' in standing;
export const sizeOf = (reached: Reached): number => (typeof reached === 'number' ? reached : reached.length);

const isAlike = (one: Position, other: Position) =>
  one.manager === other.manager && isDeepStrictEqual(new Set(one.groups), new Set(other.groups));

function standingAt(name: string, moment: Moment): Standing | null {
  if (!name.startsWith('group:')) return moment.position(name);
  if (!moment.knows(name)) return null;
  const members = moment.members(name);
  return members.length > mostNamed ? members.length : members;
}

/** Where people stood, and whom groups reached, when the grants that they hold were last certified. */
export function createStandings() {
  const found = new Map<string, Standing>();
  const beside = new Map<string, { id: string; name: string; standing: Standing }>();
  return {
    note({ id, principal }: Grant, moment: Moment): void {
      const standing = standingAt(fold(principal), moment);
      if (standing !== null) found.set(id, standing);
    },
    /** As of a merged branch, whose states come oldest first: it may have been what whoever certified the grant saw. */
    noteBeside({ id, principal }: Grant, moment: Moment, merge: string): void {
      const name = fold(principal);
      const standing = standingAt(name, moment);
      if (standing !== null) beside.set(`${merge} ${id}`, { id, name, standing });
    },
    /** Of all that may have been, what is least unlike now. */
    end(now: Moment | null): ReadonlyMap<string, Standing> {
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
