import { git } from '../../bundle/git/git.ts';
import { gitTree, workingTree } from '../../bundle/git/tree.ts';
import { readCalls } from '../evidence/calls.ts';
import { readUsage, type Usage } from '../evidence/usage.ts';
import { organisationOf } from '../organisationOf.ts';
import { ReviewError } from '../reviewError.ts';
import { type Inventory, openInventory, type Seen } from './inventory.ts';

type Options = {
  /** The repository: a work tree, read as its files lie on disk, or a bare repository, read at its HEAD. */
  root: string;
  /** Folders, files and globs of decision logs; null: nothing is asked of use. */
  decisions: readonly string[] | null;
  /** Seconds since 1970. */
  asOf: number;
  /** Told of files that cannot be read: what they hold of use is missing. */
  missing?: (file: string, reason: string) => void;
};

/** Reads all that an inventory is made of. Throws ReviewError `grants-invalid` and what reading the records throws; GitError. */
export async function gatherInventory({
  root,
  decisions,
  asOf,
  missing = () => {},
}: Options): Promise<Inventory> {
  const bare = await git(root, ['rev-parse', '--is-bare-repository']).catch(() => 'false');
  const tree = bare.toString().trim() === 'true' ? await gitTree(root, 'HEAD') : await workingTree(root);
  const organisation = await organisationOf(tree);
  const seen = decisions === null ? null : await readSeen(decisions, asOf, missing);
  return openInventory({ asOf, revision: tree.revision, organisation, seen });
}

async function readSeen(
  sources: readonly string[],
  asOf: number,
  missing: NonNullable<Options['missing']>,
): Promise<Seen> {
  const usage = await readUsage({ sources, asOf, since: 0 });
  try {
    if (usage.files === 0)
      throw new ReviewError('decisions-unreadable', `there are no decision logs in ${sources.join(', ')}`);
    for (const { file, reason } of usage.unreadable) missing(file, reason);
    return { lastUse: await lastUses(usage), calls: await readCalls(sources, asOf), records: usage.records };
  } finally {
    await usage.close();
  }
}

/** Grant → operation → its last use, seconds since 1970. */
export async function lastUses(usage: Pick<Usage, 'totals'>): Promise<Seen['lastUse']> {
  const found = new Map<string, Map<string, number>>();
  for await (const some of usage.totals())
    for (const { grant, operation, last } of some) {
      const uses = found.get(grant);
      if (uses === undefined) found.set(grant, new Map([[operation, last]]));
      else uses.set(operation, last);
    }
  return found;
}
