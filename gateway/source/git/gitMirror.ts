import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BundleError } from '../../../bundle/bundleError.ts';
import { GitError } from '../../../bundle/git/gitError.ts';
import { runGit } from '../../../bundle/git/runGit.ts';
import type { SourceAddress } from '../contract/parseSource.ts';
import { SourceError } from '../contract/source.ts';
import type { TlsFiles } from '../transport/openConnections.ts';
import { fetchFault, lastLine } from './fetchFault.ts';

type GitAddress = Extract<SourceAddress, { kind: 'git' }>;

/** A private bare copy of one branch, in the state folder. Several processes may share it. */
export type GitMirror = {
  readonly folder: string;
  /** Brings the branch up to date: one Git process. `forced`: its history was rewritten. Throws SourceError. */
  fetch(signal: AbortSignal): Promise<{ commit: string; forced: boolean }>;
  /**
   * Runs Git on the copy, with settings that outweigh every other. Returns what it said, whatever its exit code. Throws
   * SourceError `git-missing`, `git-failed`, `source-timeout` or `aborted`.
   */
  git(
    args: readonly string[],
    signal: AbortSignal,
    config?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Packs what many fetches left behind, once it has become much; nobody need wait for it. */
  tidy(signal: AbortSignal): Promise<void>;
  /** Throws the copy away; the next fetch makes a new one. For when its objects turn out broken. */
  discard(): Promise<void>;
};

const codes = {
  'git-missing': 'git-missing',
  'git-failed': 'git-failed',
  'git-revision': 'git-failed',
  'git-timeout': 'source-timeout',
  'git-aborted': 'aborted',
} as const;

type Answer = { code: number; stdout: string; stderr: string };

const ref = 'refs/grantgate/head';
const mostLoose = 3000;

/** The whole history of the branch is kept (the counter needs it), with its files: nothing is fetched in between. */
export function openGitMirror(
  address: GitAddress,
  {
    stateFolder,
    token,
    tls,
    timeoutMs,
  }: { stateFolder: string; token?: string; tls?: TlsFiles; timeoutMs: number },
): GitMirror {
  const id = createHash('sha256').update(`${address.url}#${address.branch}`).digest('hex').slice(0, 16);
  const mirrors = join(stateFolder, 'mirrors');
  const folder = join(mirrors, `${id}.git`);
  const globalConfig = join(mirrors, `${id}.config`);
  const credentials = token !== undefined &&
    address.protocol !== 'file' && {
      credentials: {
        origin: new URL(address.url).origin,
        authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
      },
    };
  const run: GitMirror['git'] = (args, signal, config = {}) =>
    runGit(args, {
      ...{ protocol: address.protocol, globalConfig, timeoutMs, signal, mostBytes: 1024 * 1024 },
      ...credentials,
      config: { ...tlsSettings(address, tls), ...config },
    }).then(
      ({ stdout, ...rest }) => ({ ...rest, stdout: stdout.toString() }),
      (error: unknown) => {
        throw error instanceof GitError
          ? new SourceError(codes[error.code], error.message, { cause: error })
          : error;
      },
    );

  const fetch = async (signal: AbortSignal): Promise<{ commit: string; forced: boolean }> => {
    await createMirror({ address, mirrors, folder, globalConfig, run }, signal);
    let before = await locks(folder);
    for (let attempt = 0; ; attempt += 1) {
      const { code, stderr } = await run(
        [
          `--git-dir=${folder}`,
          ...[
            'fetch',
            '--no-tags',
            '--no-recurse-submodules',
            '--no-write-fetch-head',
            '--no-auto-maintenance',
          ],
          ...['--', address.url, `+refs/heads/${address.branch}:${ref}`],
        ],
        signal,
      );
      // To Git that is a warning: it goes on with what it had.
      if (/shallow roots are not allowed|shallow update not allowed/.test(stderr))
        throw new BundleError(
          'shallow',
          'the repository is a shallow clone, so commits cannot be counted: fetch all history there',
        );
      if (code === 0)
        return { commit: await head(run, folder, signal), forced: /\(forced update\)/.test(stderr) };
      const error = fetchFault(stderr, address.branch);
      if (error.code !== 'source-locked' || attempt === 8) throw error;
      await sleep(100 + attempt * 100, undefined, { signal }).catch(() => {});
      // Git holds these for milliseconds. One that outlives two attempts belongs to a process that was killed.
      const now = await locks(folder);
      if (attempt >= 2)
        for (const [path, mark] of now) if (before.get(path) === mark) await rm(path, { force: true });
      before = now;
    }
  };

  return {
    folder,
    fetch,
    git: (args, signal, config) => run([`--git-dir=${folder}`, ...args], signal, config),
    async tidy(signal) {
      if (!(await isUntidy(folder))) return;
      const settings = { 'gc.auto': String(mostLoose), 'gc.autoDetach': 'false' };
      await run([`--git-dir=${folder}`, 'gc', '--auto', '--quiet'], signal, settings);
    },
    discard: () => putAside(folder),
  };
}

/** Puts it out of the way, also where another user has written it and its files cannot be taken away. */
async function putAside(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.old`;
  await rename(path, aside).catch(() => {});
  await rm(aside, { recursive: true, force: true }).catch(() => {});
}

/** Makes the bare repository and the settings that Git reads beside it, unless they are there. */
async function createMirror(
  {
    address,
    mirrors,
    folder,
    globalConfig,
    run,
  }: { address: GitAddress; mirrors: string; folder: string; globalConfig: string; run: GitMirror['git'] },
  signal: AbortSignal,
): Promise<void> {
  if (await exists(join(folder, 'HEAD'))) return;
  // A state volume that was used under another user: its folders can be renamed by whoever owns the volume.
  if ((await readdir(mirrors).catch(codeOf)) === 'EACCES') await putAside(mirrors);
  else if ((await readdir(folder).catch(codeOf)) === 'EACCES') await putAside(folder);
  await mkdir(mirrors, { recursive: true, mode: 0o700 });
  // The operator named this repository as the source of grants: whoever owns its files, Git may read it.
  const path = address.protocol === 'file' ? fileURLToPath(address.url) : null;
  const safe = path === null ? [] : [path, `${path}/.git`];
  await writeFile(
    globalConfig,
    safe.map((name) => `[safe]\n\tdirectory = ${JSON.stringify(name)}\n`).join(''),
  );
  const fresh = `${folder.slice(0, -'.git'.length)}.${randomUUID()}.new`;
  const made = await run(['init', '--quiet', '--bare', '--template=', fresh], signal);
  if (made.code !== 0) throw new SourceError('git-failed', `git init failed: ${lastLine(made.stderr)}`);
  // Complete, or not there at all. Losing the race against another process is as good.
  await rename(fresh, folder).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    if (!(await exists(join(folder, 'HEAD')))) throw error;
  });
}

/** For the one origin. Git reads the files at each connection, so they may be replaced. */
function tlsSettings({ url, protocol }: GitAddress, tls: TlsFiles = {}): Record<string, string> {
  if (protocol !== 'https') return {};
  const at = `http.${new URL(url).origin}/`;
  const { identity, ca } = tls;
  return {
    ...(identity === undefined ? {} : { [`${at}.sslCert`]: identity.cert, [`${at}.sslKey`]: identity.key }),
    ...(ca === undefined ? {} : { [`${at}.sslCAInfo`]: ca }),
  };
}

async function head(run: GitMirror['git'], folder: string, signal: AbortSignal): Promise<string> {
  const loose = await readFile(join(folder, ref), 'latin1').catch(() => '');
  const commit =
    loose.trim() || (await run([`--git-dir=${folder}`, 'rev-parse', '--verify', ref], signal)).stdout.trim();
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit))
    throw new SourceError('git-failed', 'the mirror lost its branch');
  return commit;
}

/**
 * Git's own rule for what is much: so many objects that one of their 256 folders holds its share, or over 50 packs. To ask
 * Git would take a process after each load.
 */
async function isUntidy(folder: string): Promise<boolean> {
  const [loose = [], packs = []] = await Promise.all(
    ['17', 'pack'].map((name) => readdir(join(folder, 'objects', name)).catch(() => [])),
  );
  return (
    loose.length > Math.ceil(mostLoose / 256) || packs.filter((name) => name.endsWith('.pack')).length > 50
  );
}

/** Lock files with what tells one from a later one at the same path. */
async function locks(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const place of ['', 'refs/grantgate', 'objects', 'objects/info'])
    for (const name of await readdir(join(folder, place)).catch(() => [])) {
      if (!name.endsWith('.lock')) continue;
      const path = join(folder, place, name);
      const stats = await stat(path).catch(() => null);
      if (stats) found.set(path, `${stats.ino} ${stats.mtimeMs}`);
    }
  return found;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const codeOf = (error: NodeJS.ErrnoException): string | undefined => error.code;
