import type { Command } from 'commander';
import type { ForgeTarget } from '../../reviewer/forge/forge.ts';
import { folderOf } from '../terminal.ts';
import { UsageError } from './usageError.ts';

export type ForgeOptions = { repository?: string; forge: string; base: string; tokenEnv: string };

/** The options that name a forge. */
export const forgeOptions = (command: Command): Command =>
  command
    .option('--forge <url>', 'GitHub API address', process.env.GITHUB_API_URL ?? 'https://api.github.com')
    .option('--repository <owner/name>', 'the repository on the forge', process.env.GITHUB_REPOSITORY)
    .option('--base <branch>', 'the branch that is enforced', 'main')
    .option('--token-env <name>', 'the environment variable that holds the forge token', 'GITHUB_TOKEN');

/** The forge that the options of a command name; `option` is the one that names the repository. Throws UsageError. */
export function forgeTarget(
  { repository, forge, base, tokenEnv }: ForgeOptions,
  option = '--repository',
): ForgeTarget {
  const [owner, repo, ...rest] = repository?.split('/') ?? [];
  if (!owner || !repo || rest.length > 0) {
    throw new UsageError(
      `${option} must be OWNER/NAME, got ${repository === undefined ? 'nothing' : `"${repository}"`}`,
    );
  }
  const token = process.env[tokenEnv];
  if (!token) throw new UsageError(`the environment variable ${tokenEnv} must hold a token for the forge`);
  return { baseUrl: forge, owner, repo, base, token };
}

/** The same, with the folder of its repository that `--root` is of the one it lies in. */
export async function forgeIn(options: ForgeOptions & { root: string }): Promise<ForgeTarget> {
  const { folderIn } = await import('../../bundle/git/tree.ts');
  return { ...forgeTarget(options), folder: await folderIn(folderOf(options.root)) };
}
