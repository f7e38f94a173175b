import { gitTree, type Tree } from '../../bundle/git/tree.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { type Mirror, openMirror } from '../pulls/workspace.ts';
import type { Texts } from './effectOf.ts';

/** A branch of its own with one commit on the base, and what its pull request says. */
export type Proposal = {
  branch: string;
  texts: Texts;
  title: string;
  body: string;
  labels: readonly string[];
  /** When it was asked for, in seconds since 1970: the time of the commit. */
  at: number;
};

/** What became of it: `idle`: it says that already; `left`: somebody has committed to its branch, or approved it. */
export type Opened = { action: 'opened' | 'updated' | 'idle' | 'left'; pull: ForgePull };

/**
 * Makes a proposal from the enforced branch as the forge has it, and opens or updates its pull request. `prefix`: what
 * the branch begins with. Throws ForgeError, and what `make` throws.
 */
export async function openProposal<T extends Proposal>(
  forge: Forge,
  { prefix, signal }: { prefix: string; signal?: AbortSignal },
  make: (tree: Tree) => Promise<T>,
): Promise<Opened & { proposal: T }> {
  const mirror = await openMirror(forge, signal, prefix);
  try {
    const proposal = await make(await gitTree(mirror.repository, mirror.base.commit, mirror.folder));
    return { ...(await settleProposal(forge, mirror, proposal)), proposal };
  } finally {
    await mirror.close();
  }
}

/** Brings a branch and its pull request in line with a proposal. Throws ForgeError. */
export async function settleProposal(
  forge: Forge,
  mirror: Mirror,
  { branch, texts, title, body, labels, at }: Proposal,
): Promise<Opened> {
  const open = await forge.findOpen(branch);
  const there = mirror.branches.get(branch);
  if (open !== null && there !== undefined) {
    if ((await mirror.hasHumanCommits(there)) || (await forge.isApproved(open.number)))
      return { action: 'left', pull: open };
    // Instants alone are no news, while the branch still stands on the base of today.
    if (open.body === body && (await mirror.merged(there)) !== null) return { action: 'idle', pull: open };
  }
  const commit = await mirror.commit(texts, `${title}\n`, at);
  await mirror.push(branch, commit);
  if (open !== null && there !== undefined)
    return { action: 'updated', pull: await forge.updatePull(open.number, { title, body }) };
  const pull = open ?? (await forge.createPull(branch, { title, body }));
  if (labels.length > 0) await forge.addLabels(pull.number, labels);
  return { action: 'opened', pull };
}
