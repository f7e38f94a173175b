// The one place that runs opa. Its edges: it is not on npm, so it is looked for and, failing that, installed; a build
// by Go compiles policies to WASM but cannot evaluate WASM ("engine not found"); `opa test` and `opa check` load every
// YAML and JSON file below a folder as data unless told otherwise, so files are named one by one.

import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { cacheFolder } from '../cacheFolder.ts';
import { messageOf } from '../format/messageOf.ts';
import { installOpa } from './installOpa.ts';
import { OpaError } from './opaError.ts';

/**
 * The one version used: compiled policies are part of a bundle's bytes, and another version may compile otherwise. The
 * newest without 1.21's regressions on whose release binaries public projects agree; `strings.replace_n`, which its WASM
 * never ends, is left out of the built-ins.
 */
export const opaVersion = '1.20.2';

export type OpaResult = { code: number; stdout: string; stderr: string };

export type Opa = {
  version: string;
  /** Runs opa to its end; a failing command is an answer (`code` ≠ 0), not an error. Throws OpaError `opa-unusable`. */
  run: (args: readonly string[], options?: { cwd?: string; input?: string | Buffer }) => Promise<OpaResult>;
};

/** One that was found. */
export type FoundOpa = Opa & { path: string };

type Wanted = {
  env?: NodeJS.ProcessEnv;
  progress?: (line: string) => void;
  install?: boolean;
  /** Of release binaries, in place of those that are pinned. */
  digests?: Readonly<Record<string, string>>;
};

export { OpaError } from './opaError.ts';

function execute(
  path: string,
  args: readonly string[],
  options: { cwd?: string; input?: string | Buffer } = {},
) {
  return new Promise<OpaResult>((resolve, reject) => {
    const child = spawn(path, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // It lives for a second and sees policies and few data: a fifth of its time went into collecting garbage.
      env: { GOGC: '400', ...process.env },
      ...(options.cwd && { cwd: options.cwd }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (cause) =>
      reject(new OpaError('opa-unusable', `${path} could not be started: ${cause.message}`, { cause })),
    );
    child.on('close', (code) =>
      resolve({
        code: code ?? 1,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** The version a binary says it is, or why it says none. */
async function versionOf(path: string): Promise<{ version: string } | { fault: string }> {
  try {
    const { code, stdout, stderr } = await execute(path, ['version']);
    const version = /^Version: (\S+)$/m.exec(stdout)?.[1];
    if (code === 0 && version) return { version };
    return { fault: stderr.trim().split('\n')[0] || `exit code ${code} and no version` };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

/**
 * The same of the one in the cache, which is asked once: what it said is kept beside its folder, with all by which one that
 * was put in its place, or changed, can be told from it. Each command would start it for nothing else.
 */
async function keptVersionOf(path: string): Promise<Awaited<ReturnType<typeof versionOf>>> {
  const kept = `${dirname(path)}.version`;
  const mark = await stat(path, { bigint: true }).then(
    ({ dev, ino, size, mtimeNs, ctimeNs }) => [opaVersion, dev, ino, size, mtimeNs, ctimeNs].join(' '),
    () => null,
  );
  if (mark !== null && (await readFile(kept, 'utf8').catch(() => null)) === mark)
    return { version: opaVersion };
  const answer = await versionOf(path);
  // A cache that cannot be written costs time, nothing else.
  if (mark !== null && 'version' in answer && answer.version === opaVersion)
    await writeFile(kept, mark).catch(() => {});
  return answer;
}

async function onPath(env: NodeJS.ProcessEnv): Promise<string | null> {
  const name = process.platform === 'win32' ? 'opa.exe' : 'opa';
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}

/**
 * Finds opa of the pinned version: `OPA_PATH`, then PATH, then the user's cache folder; else installs it there.
 * `progress` is told, line by line, what is passed over and what is being installed. With `install: false` it is only looked
 * for. Throws OpaError.
 */
export async function findOpa(options: Wanted = {}): Promise<FoundOpa> {
  const { env = process.env, progress = () => {}, install = true } = options;
  const found = (path: string) => ({
    path,
    version: opaVersion,
    run: (...[args, runOptions]: Parameters<Opa['run']>) => execute(path, args, runOptions),
  });
  const looked: string[] = [];

  if (env.OPA_PATH) {
    const answer = await versionOf(env.OPA_PATH);
    if ('version' in answer && answer.version === opaVersion) return found(env.OPA_PATH);
    if ('version' in answer)
      throw new OpaError(
        'opa-wrong-version',
        `OPA_PATH (${env.OPA_PATH}) is OPA ${answer.version}, expected ${opaVersion}: point it at that version, or unset it to have it found or installed`,
      );
    throw new OpaError(
      'opa-unusable',
      `OPA_PATH (${env.OPA_PATH}) does not run as OPA ${opaVersion}: ${answer.fault}; point it at that version, or unset it`,
    );
  }
  looked.push('OPA_PATH: not set');

  const path = await onPath(env);
  if (path) {
    const answer = await versionOf(path);
    if ('version' in answer && answer.version === opaVersion) return found(path);
    const other = 'version' in answer ? `is OPA ${answer.version}` : answer.fault;
    looked.push(`PATH: ${path} ${other}`);
    progress(`opa: passing over ${path} (${other}), ${opaVersion} is needed`);
  } else looked.push('PATH: no opa');

  const cached = join(
    cacheFolder(env),
    `opa-${opaVersion}`,
    process.platform === 'win32' ? 'opa.exe' : 'opa',
  );
  const answer = await keptVersionOf(cached);
  if ('version' in answer && answer.version === opaVersion) return found(cached);
  looked.push(
    `${cached}: ${'version' in answer ? `is OPA ${answer.version}` : 'not there, or does not run'}`,
  );

  if (!install) throw new OpaError('opa-missing', `OPA ${opaVersion} is not there: ${looked.join('; ')}`);
  const isThere = async () => {
    const now = await versionOf(cached);
    return 'version' in now && now.version === opaVersion;
  };
  await installOpa(
    { version: opaVersion, target: cached, env, progress, looked, digests: options.digests },
    isThere,
  );
  const installed = await versionOf(cached);
  if ('version' in installed && installed.version === opaVersion) return found(cached);
  throw new OpaError(
    'opa-unusable',
    `the installed ${cached} does not run as OPA ${opaVersion}: ${'fault' in installed ? installed.fault : installed.version}`,
  );
}

/**
 * The same, looked for at the first run; once, and after a failure again, for it may have been installed since. What was
 * compiled before is kept, so that mostly none is needed, and where it has gone missing new grants still come into force.
 * Runs throw what {@link findOpa} throws.
 */
export function openOpa(options: Wanted = {}): Opa {
  let looking: Promise<Opa> | null = null;
  return {
    version: opaVersion,
    async run(args, runOptions) {
      looking ??= findOpa(options);
      const opa = await looking.catch((error: unknown) => {
        looking = null;
        throw error;
      });
      return opa.run(args, runOptions);
    },
  };
}

if (import.meta.main) {
  try {
    await findOpa({ progress: (line) => process.stderr.write(`${line}\n`) });
  } catch (error) {
    if (!(error instanceof OpaError)) throw error;
    process.stderr.write(`opa: ${error.message}\n`);
    process.exitCode = 1;
  }
}
