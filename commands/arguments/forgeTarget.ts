import type { ForgeTarget } from '../../reviewer/forge/forge.ts';
import { UsageError } from './usageError.ts';

export type ForgeOptions = { repository?: string; forge: string; base: string; tokenEnv: string };

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
