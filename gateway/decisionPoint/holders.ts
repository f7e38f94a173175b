import { setImmediate } from 'node:timers/promises';
import { anonymous } from '../../bundle/data/anonymous.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { grantsOn } from '../revision/grantsOn.ts';
import { keyOf, type LineWalk } from '../revision/lineIndex.ts';
import { readPrincipal } from '../revision/slices.ts';

/** Numbers of principals' lines, ascending, each once: the order of their names. */
export type Holders = Uint32Array;

/** Lines that are read in one turn of the event loop: requests wait for no more than that, about 2 ms. */
const linesOfATurn = 500;

/**
 * Who holds something, looked up from the other side: by what is held. Grants and memberships are read when somebody asks
 * about them first, an API at a time and in small turns, and remembered in `mostBytes`.
 */
export function createHolders(walk: LineWalk, mostBytes = 64 * MiB) {
  const known = lruCache<Holders>(mostBytes, ({ byteLength }) => byteLength);
  const covering = lruCache<{ names: Promise<ReadonlyMap<string, readonly string[]>>; lines: number }>(
    mostBytes,
    ({ lines }) => 100 * lines,
  );
  let members: Promise<ReadonlyMap<string, readonly number[]>> | null = null;

  const holdersOf = async (api: string, operation: string): Promise<Holders> => {
    members ??= readMembers(walk);
    const { first, end } = walk.section(api);
    const reading = covering.get(api) ?? { names: readCovering(walk, api), lines: end - first };
    covering.set(api, reading);
    const holding = await reading.names;
    const groups = await members;
    const found = new Set<number>();
    for (const name of holding.get(operation) ?? [])
      if (name.startsWith('group:')) for (const line of groups.get(name) ?? []) found.add(line);
      else if (name !== anonymous && walk.principal(name) >= 0) found.add(walk.principal(name));
    return Uint32Array.from(found).sort();
  };

  return {
    /**
     * The people and services that have, themselves or through a group, a grant of `api` that names `operation`, whatever
     * has become of it since. Of a public operation nobody: it needs no grant of theirs.
     */
    async of(api: string, operation: string): Promise<Holders> {
      const key = JSON.stringify([api, operation]);
      const before = known.get(key);
      if (before !== undefined) return before;
      const found = await holdersOf(api, operation);
      known.set(key, found);
      return found;
    },
    /** Everybody whom the directory knows. */
    everybody(): Holders {
      const { first, end } = walk.section(null);
      return Uint32Array.from({ length: end - first }, (_, at) => first + at);
    },
    nameOf: (line: number): string => keyOf(walk.line(line)),
  };
}

/** Whoever holds a grant of `api`, by the operations that it names. */
async function readCovering(walk: LineWalk, api: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, Set<string>>();
  await eachLine(walk, api, (line) => {
    const name = keyOf(line);
    for (const { operations } of grantsOn(line))
      for (const operation of operations)
        found.set(operation, (found.get(operation) ?? new Set<string>()).add(name));
  });
  return new Map([...found].map(([operation, names]) => [operation, [...names]]));
}

/** The lines of each group's members: a principal's line names all groups that it is in, through others too. */
async function readMembers(walk: LineWalk): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  await eachLine(walk, null, (line, number) => {
    for (const group of readPrincipal(line).groups) {
      const members = found.get(group);
      if (members === undefined) found.set(group, [number]);
      else members.push(number);
    }
  });
  return found;
}

async function eachLine(
  walk: LineWalk,
  api: string | null,
  read: (line: Uint8Array, number: number) => void,
): Promise<void> {
  const { first, end } = walk.section(api);
  for (let number = first; number < end; number += 1) {
    if (number > first && (number - first) % linesOfATurn === 0) await setImmediate();
    try {
      read(walk.line(number), number);
    } catch {
      // Whom that line is about cannot be decided, so is allowed nothing.
    }
  }
}
