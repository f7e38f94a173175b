import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Octokit } from '@octokit/rest';
import { type Forge, type ForgeOptions, startForge } from '../../demo/forge/startForge.ts';
import { plainGit } from '../bundle/_organisation.ts';
import { undescribed } from './_described.ts';

const execute = promisify(execFile);

export const token = 'bot-token-1';
/** The repository, as Octokit's calls name it. */
export const where = { owner: 'northwind', repo: 'access' };

const environment = {
  ...process.env,
  ...plainGit,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};

/** Runs git in a folder; resolves to stdout without its last line feed. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute('git', args, { cwd: folder, env: environment });
  return stdout.replace(/\n$/, '');
}

export type Northwind = {
  forge: Forge;
  octokit: Octokit;
  /** The bare repository behind the forge. */
  bare: string;
  /** A clone, whose `origin` is the forge and may push. */
  work: string;
  /** Commits files on a branch cut from `from` (`origin/main` when left out) and pushes it through the forge. */
  push: (branch: string, files: Record<string, string>, from?: string) => Promise<string>;
  /** Opens a pull request from a branch into main. */
  open: (branch: string, title?: string, body?: string) => Promise<number>;
  restart: (options?: Partial<ForgeOptions>) => Promise<void>;
  close: () => Promise<void>;
};

export const lines = (change: Record<number, string> = {}): string =>
  Array.from({ length: 20 }, (_, index) => `${change[index + 1] ?? `line ${index + 1}`}\n`).join('');

/** What each world begins with: made once, then copied. */
let beginning: Promise<string> | null = null;
async function begin(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'forge-beginning-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const seed = join(folder, 'seed');
  await git(folder, 'init', '--quiet', '--initial-branch=main', seed);
  await writeFile(join(seed, 'grants.yaml'), lines());
  await git(seed, 'add', '.');
  await git(seed, 'commit', '--quiet', '-m', 'Begin');
  await git(folder, 'clone', '--quiet', '--bare', seed, 'access.git');
  await git(join(folder, 'access.git'), 'remote', 'remove', 'origin');
  await git(folder, 'clone', '--quiet', 'access.git', 'work');
  return folder;
}

/** A forge over a fresh bare repository with one commit (`grants.yaml`, 20 lines) on main. */
export async function northwind(options: Partial<ForgeOptions> = {}): Promise<Northwind> {
  beginning ??= begin();
  const folder = await mkdtemp(join(tmpdir(), 'forge-'));
  const bare = join(folder, 'access.git');
  const work = join(folder, 'work');
  await cp(join(await beginning, 'access.git'), bare, { recursive: true });
  await cp(join(await beginning, 'work'), work, { recursive: true });
  const wrong: string[] = [];
  const start = (more: Partial<ForgeOptions> = {}) =>
    startForge({
      ...{ repository: bare, owner: 'northwind', name: 'access', token },
      watch: (call) => wrong.push(...[undescribed(call)].filter((said) => said !== null)),
      ...options,
      ...more,
    });
  const connect = (forge: Forge) =>
    new Octokit({
      auth: token,
      baseUrl: forge.api,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
  const withToken = (forge: Forge) => forge.cloneUrl.replace('http://', `http://x-access-token:${token}@`);
  const first = await start();
  await git(work, 'remote', 'set-url', 'origin', withToken(first));
  const self: Northwind = {
    forge: first,
    octokit: connect(first),
    bare,
    work,
    push: async (branch, files, from = 'origin/main') => {
      await git(work, 'fetch', '--quiet', 'origin');
      await git(work, 'checkout', '--quiet', '-B', branch, from);
      for (const [name, text] of Object.entries(files)) await writeFile(join(work, name), text);
      await git(work, 'add', '.');
      await git(work, 'commit', '--quiet', '-m', `Change ${Object.keys(files).join(', ')}`);
      await git(work, 'push', '--quiet', '--force', 'origin', branch);
      return git(work, 'rev-parse', 'HEAD');
    },
    open: async (branch, title = `Pull ${branch}`, body = '') => {
      const { data } = await self.octokit.pulls.create({
        ...where,
        title,
        body,
        head: branch,
        base: 'main',
      });
      return data.number;
    },
    restart: async (more) => {
      await self.forge.close();
      self.forge = await start(more);
      self.octokit = connect(self.forge);
      await git(work, 'remote', 'set-url', 'origin', withToken(self.forge));
    },
    close: async () => {
      await self.forge.close();
      await rm(folder, { recursive: true, force: true });
      assert.deepEqual([...new Set(wrong)], []);
    },
  };
  return self;
}

/** What a failed call answered: status, message and GitHub's field errors. */
export async function refusal(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    const { status, response } = error as {
      status: number;
      response?: { data: { message: string; documentation_url?: string; errors?: unknown[] } };
    };
    return { status, message: response?.data.message, errors: response?.data.errors };
  }
  throw new Error('the call was expected to fail');
}
