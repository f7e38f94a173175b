import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { git } from '../../bundle/git/git.ts';
import { type Tree, withFile, workingTree } from '../../bundle/git/tree.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import { writeTexts } from '../proposal/writeTexts.ts';
import { openState } from './openState.ts';
import type { Surroundings } from './providers/client.ts';
import { openProvider } from './providers/openProvider.ts';
import { type ProviderConfig, readSyncConfig } from './providers/syncConfig.ts';
import { SyncError } from './providers/syncError.ts';
import { dataOf, parseDirectory, type Synced, sync } from './sync.ts';

export type SyncOptions = {
  /** sync.yaml. */
  configFile: string;
  /** Names of providers; all when empty. */
  only: readonly string[];
  /** Stands in for each provider's own share, for this run. */
  shrink?: number;
  /** Stands in for sync.yaml's `state`. */
  state?: string;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  progress?: (line: string) => void;
} & Partial<Pick<Surroundings, 'fetch' | 'now' | 'sleep'>>;

/** Where directories are compared with: a state of the repository, and the history of its files up to a commit. */
export type Against = { tree: Tree; repository: string; commit: string };

/**
 * Reads every configured provider, one after the other, and compares it; nothing is written, so that a failure of the
 * last one leaves everything as it was. Throws SyncError, and what reading the tree throws.
 */
export async function syncProviders(options: SyncOptions, against: Against): Promise<Synced[]> {
  const { configFile, only, shrink, env, signal, progress = () => {}, now = Date.now } = options;
  const { providers: all, fullEveryMs, ...configured } = readSyncConfig(configFile);
  const folder = options.state ?? (configured.state && resolve(dirname(configFile), configured.state));
  const unknown = only.find((name) => !all.some(({ provider }) => provider === name));
  if (unknown !== undefined)
    throw new SyncError(
      'sync-config',
      `${configFile} has no provider "${unknown}", only ${all.map(({ provider }) => provider).join(', ')}`,
    );
  const surroundings = {
    fetch: options.fetch ?? fetch,
    now,
    sleep: options.sleep ?? ((ms: number) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => {})),
    ...(signal ? { signal } : {}),
    env,
    configFile: resolve(configFile),
  };
  let { tree } = against;
  let made: Promise<Buffer | null> | null = null;
  const data = () => {
    made ??= dataOf(tree);
    return made;
  };
  const results: Synced[] = [];
  for (const one of all) {
    if (only.length > 0 && !only.includes(one.provider)) continue;
    const config: ProviderConfig = shrink === undefined ? one : { ...one, shrink };
    progress(`reading ${config.provider} (${config.kind}) …`);
    const read = openProvider(config, surroundings);
    const earlier = await earlierDirectory(against, `grants/directory/${config.provider}.yaml`);
    // A share for one run says nothing of what is read.
    const state = folder ? openState({ folder, config: one, fullEveryMs, nowMs: now() }) : null;
    const synced = await sync({ config, read, tree, data, state, say: progress, earlier, nowMs: now() });
    results.push(synced);
    if (synced.bytes === null) continue;
    // The next is looked at with this one's file as it will be: whom both claim neither brings, and who moves from one to
    // the other is in one of them.
    tree = withFile(tree, synced.file, synced.bytes);
    made = null;
  }
  return results;
}

/** Compares with the files as they lie in a folder, and writes what is due, if that is asked for. */
export async function syncFolder(root: string, write: boolean, options: SyncOptions): Promise<Synced[]> {
  const tree = await workingTree(root);
  const results = await syncProviders(options, { tree, repository: root, commit: 'HEAD' });
  if (!write) return results;
  await writeTexts(
    root,
    new Map(results.flatMap(({ file, bytes }) => (bytes === null ? [] : [[file, bytes]]))),
  );
  // Only now: with a state that is behind, what changed since is told again; with one that is ahead it never would be.
  for (const { keep } of results) await keep();
  return results;
}

/** The directory as the commit before the last change of its file had it; null where Git knows no such. */
async function earlierDirectory(
  { repository: root, commit }: Against,
  file: string,
): Promise<DirectoryFile | null> {
  try {
    const commits = (await git(root, ['log', '-n', '2', '--format=%H', commit, '--', file]))
      .toString()
      .trim();
    const [, earlier] = commits.split('\n');
    if (earlier === undefined) return null;
    return parseDirectory(await git(root, ['show', `${earlier}:${file}`]), file);
  } catch {
    // Outside Git, before the first commit, or of a form that is no more: nothing waits to be confirmed.
    return null;
  }
}
