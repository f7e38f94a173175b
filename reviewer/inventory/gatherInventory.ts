import { git } from '../../bundle/git/git.ts';
import { gitTree, workingTree } from '../../bundle/git/tree.ts';
import { isBuiltIn, readPolicies } from '../../bundle/policy/policies.ts';
import { type Calls, readCalls } from '../evidence/calls.ts';
import { readUsage, type Usage } from '../evidence/usage.ts';
import { organisationOf } from '../organisationOf.ts';
import { ReviewError } from '../reviewError.ts';
import { furthestBack } from '../sources/furthestBack.ts';
import { openSources, type Sources } from '../sources/openSources.ts';
import { type Inventory, type ObservedUse, openInventory } from './inventory.ts';

type Options = {
  /** The repository: a work tree, read as its files lie on disk, or a bare repository, read at its HEAD. */
  root: string;
  /** Folders, files and globs of decision logs; null, and no roll-ups: nothing is asked of use. */
  decisions: readonly string[] | null;
  /** The same of gateways' roll-ups by day, and addresses of their admin listeners. */
  usage?: readonly string[] | null;
  /** The gateways' admin token, if they want one. */
  adminToken?: string | null;
  /** Seconds since 1970. */
  asOf: number;
  /** Told of files that cannot be read: what they hold of use is missing. */
  missing?: (file: string, reason: string) => void;
};

/** Reads all that an inventory is made of. Throws ReviewError `grants-invalid` and what reading the records throws; GitError. */
export async function gatherInventory({
  root,
  decisions,
  usage = null,
  adminToken = null,
  asOf,
  missing = () => {},
}: Options): Promise<Inventory> {
  const bare = await git(root, ['rev-parse', '--is-bare-repository']).catch(() => 'false');
  const tree = bare.toString().trim() === 'true' ? await gitTree(root, 'HEAD') : await workingTree(root);
  const organisation = await organisationOf(tree);
  const given = { decisions: decisions ?? [], usage: usage ?? [] };
  const isAsked = decisions !== null || usage !== null;
  const seen = isAsked ? await readSeen(given, { asOf, token: adminToken, missing }) : null;
  const ownPolicies = !(await isBuiltIn(await readPolicies(tree, 'authz'), 'authz'));
  return openInventory({ asOf, revision: tree.revision, organisation, seen, ownPolicies });
}

type Given = { decisions: readonly string[]; usage: readonly string[] };
type Reading = { asOf: number; token: string | null; missing: NonNullable<Options['missing']> };

async function readSeen(given: Given, { asOf, token, missing }: Reading): Promise<ObservedUse> {
  const sources = await openSources({ ...given, since: furthestBack(asOf), token });
  try {
    const usage = await readUsage({ sources: sources.decisions, rollups: sources.rollups, asOf, since: 0 });
    try {
      for (const { file, reason } of [...sources.unreachable, ...usage.unreadable]) missing(file, reason);
      const places = [...given.decisions, ...given.usage].join(', ');
      if (usage.files === 0)
        throw new ReviewError('decisions-unreadable', `there are no decision logs and roll-ups in ${places}`);
      const calls = await allCalls(usage, sources, asOf);
      return { lastUse: await lastUses(usage), calls, records: usage.records };
    } finally {
      await usage.close();
    }
  } finally {
    await sources.close();
  }
}

/** What was asked for, each decision once; the method and path of an operation only records say. */
async function allCalls(usage: Usage, { decisions, rollups }: Sources, asOf: number): Promise<Calls[]> {
  const recorded = await readCalls(decisions, asOf);
  if (rollups.length === 0) return recorded;
  const callOf = new Map(recorded.map(({ api, operation, call }) => [`${api} ${operation}`, call]));
  const calls: Calls[] = [];
  for await (const { api, operation, allowed, denied, first, last } of usage.tally('operation', 0, asOf)) {
    if (api === undefined || operation === undefined) continue;
    const requests = Object.values(denied).reduce((sum, count) => sum + count, allowed);
    const call = callOf.get(`${api} ${operation}`) ?? '';
    calls.push({ api, operation, call, requests, allowed, first, last });
  }
  return calls;
}

/** Grant → operation → its last use, seconds since 1970. */
export async function lastUses(usage: Pick<Usage, 'totals'>): Promise<ObservedUse['lastUse']> {
  const found = new Map<string, Map<string, number>>();
  for await (const some of usage.totals())
    for (const { grant, operation, last } of some) {
      const uses = found.get(grant);
      if (uses === undefined) found.set(grant, new Map([[operation, last]]));
      else uses.set(operation, last);
    }
  return found;
}
