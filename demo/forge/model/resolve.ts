import { isBranchName, isRefName, isSha } from '../git/refName.ts';
import type { Core } from './core.ts';

/**
 * The commit a branch, tag, `heads/…`, `tags/…`, full ref, or (abbreviated) id names; null when there is none.
 * Only checked names reach git, always behind `refs/` or as hexadecimal digits.
 */
export async function resolve(core: Core, name: string): Promise<string | null> {
  // What was just pushed is asked for most.
  for (const [ref, tip] of core.refs) if (tip === name && ref.startsWith('refs/heads/')) return tip;
  const candidates = [
    ...(isSha(name) ? [name] : []),
    ...(name === 'HEAD' ? [`refs/heads/${core.defaultBranch}`] : []),
    ...(isBranchName(name) ? [`refs/heads/${name}`, `refs/tags/${name}`] : []),
    ...(isRefName(`refs/${name}`) ? [`refs/${name}`] : []),
    ...(isRefName(name) ? [name] : []),
    ...(/^[0-9a-f]{7,39}$/.test(name) ? [name] : []),
  ];
  for (const candidate of candidates) {
    const { code, stdout } = await core.git.run(
      ['rev-parse', '--verify', '--quiet', `${candidate}^{commit}`],
      { codes: [1, 128] },
    );
    if (code === 0) return stdout.toString().trim();
  }
  return null;
}
