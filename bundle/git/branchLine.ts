import { firstParentLine } from './firstParentLine.ts';
import type { Turns } from './turnsOf.ts';

/** The commits that a branch was at, the newest first: along first parents, but for its turns. Throws GitError. */
export async function branchLine(repository: string, commit: string, turns: Turns): Promise<string[]> {
  const line: string[] = [];
  let from = commit;
  for (const [merge, parent] of turns) {
    const some = await firstParentLine(repository, from);
    line.push(...some.slice(0, some.indexOf(merge) + 1));
    from = parent;
  }
  return [...line, ...(await firstParentLine(repository, from))];
}
