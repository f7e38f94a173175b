import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../format/messageOf.ts';
import { holdLock } from './holdLock.ts';
import { OpaError } from './opaError.ts';

/**
 * SHA-256 of the release binaries of the pinned version, by file name: each stands in at least two public projects that
 * do not depend on each other. That of Intel Macs stands in one only: there Go's checksum database vouches where there is
 * Go, and else the checksum file beside the release, which only tells that the download came whole.
 */
const pinnedDigests: Digests = {
  opa_darwin_arm64: '54e7008e696d39e8e4f96594e2b71bcbe45fd9a4f838102bcf1240638bf3fbe1',
  opa_linux_amd64_static: '69da5179ee403d10fa11bab6cfb4ffb0d23dba5f9b682fa977db772a1da5670f',
  opa_linux_arm64_static: '431bed5a365578241ab06c7cc1c7d0cdff8c11dcbc6f12c3488590deb8b8d66d',
  'opa_windows_amd64.exe': 'e2f2e2b735ab98f316171ca47a6b352288cdeb5a616e31aa16335b8934748453',
};
type Digests = Readonly<Record<string, string>>;

const officialReleases = 'https://github.com/open-policy-agent/opa/releases/download';
/** Several times the size of a release binary. */
const mostBytes = 512 * 1024 * 1024;
const staleAfterMs = 24 * 3600 * 1000;

export type Install = {
  version: string;
  /** Where the binary is to stand. It appears there whole, in one step, or not at all. */
  target: string;
  env: NodeJS.ProcessEnv;
  progress: (line: string) => void;
  digests?: Digests | undefined;
  /** What was tried before, for the message when nothing works. */
  looked: string[];
};

/** The release's file for this machine, or null where there is none. */
function releaseName(): string | null {
  const system = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as string];
  const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if (system === undefined || machine === undefined) return null;
  if (system === 'windows') return `opa_windows_${machine}.exe`;
  return system === 'darwin' ? `opa_darwin_${machine}` : `opa_${system}_${machine}_static`;
}

/** Downloads into `file`; answers the digest, or what went wrong. */
async function download(url: string, file: string): Promise<{ digest: string } | { fault: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10 * 60_000) });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return { fault: `${url} answered ${response.status}` };
    }
    await pipeline(
      response.body,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes > mostBytes) throw new Error(`is larger than ${mostBytes} bytes`);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(file, { flags: 'wx' }),
    );
    return { digest: hash.digest('hex') };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { fault: `${url} ${messageOf(error)}${cause}` };
  }
}

const pinnedFor = ({ digests = pinnedDigests }: Install, name: string) => digests[name];
const isDigest = (text: string) => /^[0-9a-f]{64}$/.test(text);

/** The release binary, checked against its pin or OPA_SHA256. Answers null when it is in place, else why not. */
async function fromPinned(install: Install, work: string): Promise<string | null> {
  const name = releaseName();
  if (name === null) return `release: none for ${process.platform} ${process.arch}`;
  const wanted = (install.env.OPA_SHA256 || pinnedFor(install, name) || '').trim().toLowerCase();
  if (isDigest(wanted)) return fromRelease(install, work, name, wanted);
  return install.env.OPA_SHA256
    ? 'release: OPA_SHA256 is no SHA-256 of 64 hexadecimal digits'
    : `release: no SHA-256 is pinned for ${name} ${install.version}`;
}

/** The same, checked against what is published beside it: whoever could change the one could change the other. */
async function fromPublished(install: Install, work: string): Promise<string | null> {
  const name = releaseName();
  if (name === null) return `release: none for ${process.platform} ${process.arch}`;
  // Who names a digest means that one.
  if (install.env.OPA_SHA256 || pinnedFor(install, name) !== undefined)
    return 'release: its own checksum file is not asked, as a digest is named';
  const url = `${releaseUrl(install, name)}.sha256`;
  const wanted = await published(url);
  if (!isDigest(wanted)) return `release: ${wanted}`;
  install.progress(
    `opa: no digest of ${name} ${install.version} is pinned here, so it is checked against ${url}; set OPA_SHA256 to one that you trust`,
  );
  return fromRelease(install, work, name, wanted);
}

/** The digest that a checksum file begins with, or what went wrong. */
async function published(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) {
      await response.body?.cancel();
      return `${url} answered ${response.status}`;
    }
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('latin1');
      if (text.length > 1024) break;
    }
    const digest = /^([0-9a-fA-F]{64})(?:\s|$)/.exec(text)?.[1];
    return digest?.toLowerCase() ?? `${url} holds no SHA-256`;
  } catch (error) {
    return `${url} ${messageOf(error)}`;
  }
}

const releaseUrl = ({ env, version }: Install, name: string) =>
  `${(env.OPA_RELEASES || officialReleases).replace(/\/+$/, '')}/v${version}/${name}`;

async function fromRelease(
  install: Install,
  work: string,
  name: string,
  wanted: string,
): Promise<string | null> {
  const url = releaseUrl(install, name);
  install.progress(`opa: downloading ${url} …`);
  const file = join(work, name);
  const result = await download(url, file);
  if ('fault' in result) return `release: ${result.fault}`;
  // Somebody changed the file, or it came short: nothing to try around.
  if (result.digest !== wanted)
    throw new OpaError(
      'opa-digest',
      `${url} has SHA-256 ${result.digest}, expected ${wanted}: it was not installed. Try again in case it came short; otherwise find out who changed it`,
    );
  await chmod(file, 0o755);
  await rename(file, install.target);
  return null;
}

/** A build from the Go module proxy, whose checksum database vouches for the source. */
async function fromGo(install: Install, work: string): Promise<string | null> {
  install.progress(`opa: building ${install.version} with Go, once per machine; this takes a few minutes …`);
  const env: NodeJS.ProcessEnv = { ...install.env, GOBIN: work, CGO_ENABLED: '0', GO111MODULE: 'on' };
  // With these set Go would build for another machine, and refuses GOBIN.
  for (const name of ['GOOS', 'GOARCH']) delete env[name];
  const began = performance.now();
  const beat = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    install.progress(`opa: Go is still building, for ${seconds} s …`);
  }, 15_000);
  const fault = await new Promise<string | null>((resolve) => {
    const child = spawn('go', ['install', `github.com/open-policy-agent/opa@v${install.version}`], {
      cwd: work,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-1000);
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'Go: not on PATH' : `Go: ${error.message}`),
    );
    child.on('close', (code) =>
      resolve(code === 0 ? null : `Go: ${complaint.trim() || `exit code ${code}`}`),
    );
  });
  clearInterval(beat);
  if (fault !== null) return fault;
  await rename(join(work, basename(install.target)), install.target);
  return null;
}

/** What an interrupted installation left behind, once nobody can be working there any more. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('installing-')) continue;
    const path = join(folder, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > staleAfterMs) await rm(path, { recursive: true, force: true });
  }
}

/**
 * Puts opa at `target`: the official release when its digest is pinned, else a build by Go, else the release as its own
 * checksum file has it. One process at a time does so, in a folder of its own beside the target, so that an interrupted
 * one leaves no broken binary; `isThere` tells the others that it is done. Throws OpaError `opa-digest` or `opa-missing`.
 */
export async function installOpa(install: Install, isThere: () => Promise<boolean>): Promise<void> {
  const folder = dirname(install.target);
  await mkdir(folder, { recursive: true });
  const waiting = () => install.progress('opa: another process is installing it, waiting for that …');
  const release = await holdLock(join(folder, 'lock'), waiting);
  try {
    if (await isThere()) return;
    await sweep(folder);
    await installInto(install, await mkdtemp(join(folder, 'installing-')));
  } finally {
    await release();
  }
}

async function installInto(install: Install, work: string): Promise<void> {
  const faults: string[] = [];
  try {
    for (const route of [fromPinned, fromGo, fromPublished]) {
      const fault = await route(install, work);
      if (fault === null) {
        install.progress(`opa: ${install.version} is installed at ${install.target}`);
        return;
      }
      faults.push(fault);
      install.progress(`opa: ${fault}`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  throw new OpaError(
    'opa-missing',
    `OPA ${install.version} was not found and could not be installed.\n  looked at ${[...install.looked, ...faults].join('\n  ')}\nInstall OPA ${install.version} and set OPA_PATH to it, or install Go, or set OPA_SHA256 to the digest of the release binary you trust.`,
  );
}
