import { BundleError } from '../../bundle/bundleError.ts';
import { compileTree } from '../../bundle/compile/compileTree.ts';
import { type Change, diffData } from '../../bundle/diff/diffData.ts';
import { renderDirectory } from '../../bundle/directory/renderDirectory.ts';
import { instantOf } from '../../bundle/format/times.ts';
import { type Tree, withFile } from '../../bundle/git/tree.ts';
import { readDirectory } from '../../bundle/grants/readGrants.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { assertPlausible } from './assertPlausible.ts';
import { type DirectoryChanges, directoryChanges, isSame } from './directoryChanges.ts';
import { doubtsOf } from './doubtsOf.ts';
import type { StateFile } from './openState.ts';
import type { ReadProvider } from './providers/directory.ts';
import type { ProviderConfig } from './providers/syncConfig.ts';
import { SyncError } from './providers/syncError.ts';
import { createWanted, select } from './select.ts';

/** One provider, read whole, and what it would change. */
export type Synced = {
  provider: string;
  /** `grants/directory/PROVIDER.yaml` */
  file: string;
  /** What it is to hold; null where nothing is due. */
  bytes: Buffer | null;
  /** Whether there is anything to write: something changed, or an absence that one sync found is now found twice. */
  due: boolean;
  people: number;
  groups: number;
  changes: DirectoryChanges;
  /** What access that gives and takes; null where the repository does not compile as it is. */
  access: readonly Change[] | null;
  /** Nobody gains anything by it, nor could by a grant to come: nobody came, and no group grew. */
  onlyTakesAway: boolean;
  /** As configured. */
  mergeRemovals: boolean;
  notes: readonly string[];
  /** A line about each account and group that no directory can hold as it is called. */
  warnings: readonly string[];
  /** Keeps what the next read may go on from; for when all else is done. */
  keep: () => Promise<void>;
};

type Options = {
  config: ProviderConfig;
  read: ReadProvider;
  /** The repository as it is, and as providers looked at before in this run will leave it. */
  tree: Tree;
  /** Its data.json, as {@link dataOf} has it; made when it is needed. */
  data: () => Promise<Buffer | null>;
  /** What an earlier read left; null where no such is kept. */
  state: StateFile | null;
  say: (line: string) => void;
  /** The file as it was before it was changed last; null where there is no such. */
  earlier: DirectoryFile | null;
  /** Milliseconds since 1970. */
  nowMs: number;
};

/**
 * Reads a provider and compares it with the repository; writes nothing. Throws SyncError for whatever is not a whole,
 * plausible and valid directory.
 */
export async function sync({
  config,
  read,
  tree,
  data,
  state,
  say,
  earlier,
  nowMs,
}: Options): Promise<Synced> {
  const { provider } = config;
  const file = `grants/directory/${provider}.yaml`;
  const before = await directoryOf(tree, file);
  const { after, notes, warnings, keep } = await readTaken({ config, read, state, say, nowMs }, before);
  assertPlausible(before, after, config.shrink, warnings);
  const changes = directoryChanges(before ?? { ...after, people: [], groups: [] }, after);
  const due = before === null || !isSame(changes) || awaitsConfirmation(earlier, before, after);
  const bytes = due ? renderDirectory(after) : null;
  // What is not written changes nobody's access.
  const access = bytes === null ? [] : await accessChanges(bytes, { file, tree, data: await data() });
  return {
    provider,
    file,
    bytes,
    due,
    people: after.people.length,
    groups: after.groups.length,
    changes,
    access,
    onlyTakesAway: access !== null && takesAway(access, changes),
    mergeRemovals: config.merge_removals,
    notes,
    warnings,
    keep,
  };
}

/** What is taken of a provider; all else that it told is not kept any longer. */
async function readTaken(
  { config, read, state, say, nowMs }: Pick<Options, 'config' | 'read' | 'state' | 'say' | 'nowMs'>,
  before: DirectoryFile | null,
): Promise<{ after: DirectoryFile } & Pick<Synced, 'notes' | 'warnings' | 'keep'>> {
  const kept = await state?.read();
  if (kept?.why) say(`reading all of ${config.provider}: ${kept.why}`);
  const found = await read(
    createWanted(config.groups),
    kept && { state: kept.value, say: (line) => say(`${config.provider}: ${line}`) },
  );
  const synced = instantOf(nowMs / 1000);
  const { state: next, notes } = found;
  const { directory, warnings } = select(found, config, { synced, before });
  return {
    after: directory,
    warnings,
    notes: [...notes, ...doubtsOf(found, config)],
    keep: async () => {
      if (next !== undefined) await state?.write(next.value, next.whole ? nowMs : (kept?.whole ?? 0));
    },
  };
}

/** Whether a change can only take away: what it gives to nobody today it must give to nobody tomorrow either. */
function takesAway(access: readonly Change[], changes: DirectoryChanges): boolean {
  const { came, replaced, renamed, status, manager, groups } = changes;
  const narrows = ({ kind }: Change) => kind === 'loses' || kind === 'tightened' || kind === 'shortened';
  return (
    access.every(narrows) &&
    [came, replaced, renamed, manager].every((list) => list.length === 0) &&
    status.every(({ after }) => after.status !== 'active') &&
    groups.every(
      // Grants to a name that another group has now were not meant for it, whoever is in it today.
      (group) => group.change !== 'new' && group.in.length === 0 && group.replaced === undefined,
    )
  );
}

async function directoryOf(tree: Tree, file: string): Promise<DirectoryFile | null> {
  if (!(await tree.list()).includes(file)) return null;
  const bytes = (await tree.read([file])).get(file);
  return bytes === undefined ? null : parseDirectory(bytes, file);
}

/** A directory file, checked. Throws SyncError `sync-invalid` with its problems. */
export function parseDirectory(bytes: Buffer, file: string): DirectoryFile {
  const { value, problems } = readDirectory(bytes, file);
  if (value !== undefined) return value;
  const most = 20;
  const shown = problems.slice(0, most).map(formatProblem);
  if (problems.length > most) shown.push(`and ${problems.length - most} more`);
  throw new SyncError('sync-invalid', shown.join('\n'));
}

/**
 * Whoever is absent is an orphan once two syncs in a row have said so, and what was not written cannot be known: so the
 * sync after one that missed somebody is written, though it found nothing new.
 */
function awaitsConfirmation(
  earlier: DirectoryFile | null,
  before: DirectoryFile,
  after: DirectoryFile,
): boolean {
  if (earlier === null) return false;
  const ids = new Set(before.people.map(({ id }) => id));
  const missed = earlier.people.filter(({ id }) => !ids.has(id));
  const there = new Set(after.people.map(({ id }) => id));
  return missed.some(({ id }) => !there.has(id));
}

/** data.json of the repository; null where it does not compile as it is. */
export async function dataOf(tree: Tree): Promise<Buffer | null> {
  try {
    return (await compileTree(tree)).data;
  } catch (error) {
    if (error instanceof BundleError) return null;
    throw error;
  }
}

async function accessChanges(
  bytes: Buffer,
  { file, tree, data }: { file: string; tree: Tree; data: Buffer | null },
): Promise<readonly Change[] | null> {
  // What is written is what was meant: read back by the reader that everybody else uses.
  if (data === null) {
    parseDirectory(bytes, file);
    return null;
  }
  try {
    return diffData(data, (await compileTree(withFile(tree, file, bytes))).data, { at: null }).changes;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const isTwice = error.problems.some(({ code }) => code === 'repeated-login');
    throw new SyncError(
      'sync-invalid',
      `with what was read, the repository would not be valid:\n${error.problems.slice(0, 20).map(formatProblem).join('\n') || error.message}${isTwice ? '\nTake whom this provider knows now out of the other file of grants/directory/; one kept by hand, as `init` writes it, can go.' : ''}`,
      { cause: error },
    );
  }
}
