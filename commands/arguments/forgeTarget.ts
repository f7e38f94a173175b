import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ForgeTarget } from '../../reviewer/forge/forge.ts';
import { folderOf } from '../terminal.ts';
import { UsageError } from './usageError.ts';

export type ForgeOptions = {
  repository?: string;
  forge: string;
  base: string;
  tokenEnv: string;
  app?: string;
  appKey?: string;
  installation?: string;
};

/** The options that name a forge. */
export const forgeOptions = (command: Command): Command =>
  command
    .option(
      '--forge <url>',
      'GitHub API address; https://HOST/api/v3 on Enterprise Server',
      process.env.GITHUB_API_URL ?? 'https://api.github.com',
    )
    .option('--repository <owner/name>', 'the repository on the forge', process.env.GITHUB_REPOSITORY)
    .option('--base <branch>', 'the branch that is enforced', 'main')
    .option('--token-env <name>', 'the environment variable that holds the forge token', 'GITHUB_TOKEN')
    .option('--app <id>', 'the GitHub App to act as, instead of by a token')
    .option('--app-key <file>', "the App's private key, as GitHub gives it (PEM)")
    .option('--installation <id>', "the App's installation that has the repository");

/** The forge that the options of a command name; `option` is the one that names the repository. Throws UsageError. */
export function forgeTarget(options: ForgeOptions, option = '--repository'): ForgeTarget {
  const { repository, forge, base, tokenEnv, app } = options;
  const [owner, repo, ...rest] = repository?.split('/') ?? [];
  if (!owner || !repo || rest.length > 0) {
    throw new UsageError(
      `${option} must be OWNER/NAME, got ${repository === undefined ? 'nothing' : `"${repository}"`}`,
    );
  }
  const address = URL.parse(forge);
  // The pages' address would answer 404 to every call.
  if (address === null || (address.pathname === '/' && !/^api\./.test(address.hostname)))
    throw new UsageError(
      `--forge must be the API's address, https://HOST/api/v3 on GitHub Enterprise Server, got "${forge}"`,
    );
  const where = { baseUrl: forge, owner, repo, base };
  if (app !== undefined) return { ...where, appAuth: appOf(app, options) };
  const token = process.env[tokenEnv];
  if (!token) throw new UsageError(`the environment variable ${tokenEnv} must hold a token for the forge`);
  return { ...where, token };
}

/** Whose key it is, is GitHub's to say; that it is one is told here, and never what stands in it. */
function appOf(appId: string, { appKey, installation }: ForgeOptions): NonNullable<ForgeTarget['appAuth']> {
  if (appKey === undefined || installation === undefined)
    throw new UsageError('--app takes --app-key FILE and --installation ID');
  for (const [option, id] of [
    ['--app', appId],
    ['--installation', installation],
  ])
    if (!/^\d{1,18}$/.test(id ?? '')) throw new UsageError(`${option} must be a number, got "${id}"`);
  try {
    // GitHub gives PKCS#1, and what signs with it wants PKCS#8.
    const key = createPrivateKey(readFileSync(appKey)).export({ type: 'pkcs8', format: 'pem' });
    return { appId, installationId: installation, privateKey: key.toString() };
  } catch {
    throw new UsageError(`--app-key must be a file with a private key (PEM), got "${appKey}"`);
  }
}

/** The same, with the folder of its repository that `--root` is of the one it lies in. */
export async function forgeIn(options: ForgeOptions & { root: string }): Promise<ForgeTarget> {
  const { folderIn } = await import('../../bundle/git/tree.ts');
  return { ...forgeTarget(options), folder: await folderIn(folderOf(options.root)) };
}
