import type { Tree } from '../../bundle/git/tree.ts';
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
export type Opened = {
  action: 'opened' | 'updated' | 'idle' | 'left';
  pull: ForgePull;
  /** What its branch holds; the proposal, unless it is left alone. */
  commit: string;
};

/** GitHub's limit of a title. */
const longestTitle = 256;

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
    const proposal = await make(await mirror.tree());
    return { ...(await settleProposal(forge, mirror, proposal)), proposal };
  } finally {
    await mirror.close();
  }
}

/** Brings a branch and its pull request in line with a proposal. Throws ForgeError. */
export async function settleProposal(
  forge: Forge,
  mirror: Mirror,
  { branch, texts, title: whole, body, labels, at }: Proposal,
): Promise<Opened> {
  const title = whole.length > longestTitle ? `${whole.slice(0, longestTitle - 2).toWellFormed()}…` : whole;
  /** What a run that died behind the creation did not get to. */
  const label = async (pull: ForgePull) => {
    if (labels.some((one) => !pull.labels.includes(one))) await forge.addLabels(pull.number, labels);
  };
  const open = await forge.findOpen(branch);
  const there = mirror.branches.get(branch);
  if (open !== null && there !== undefined) {
    if ((await mirror.hasHumanCommits(there)) || (await forge.isApproved(open.number)))
      return { action: 'left', pull: open, commit: there };
    // Instants alone are no news, while the branch still stands on the base of today.
    if (open.body === body && (await mirror.merged(there)) !== null) {
      await label(open);
      return { action: 'idle', pull: open, commit: there };
    }
  }
  const commit = await mirror.commit(texts, `${whole}\n`, at);
  await mirror.push(branch, commit);
  const pull =
    open !== null && there !== undefined
      ? await forge.updatePull(open.number, { title, body })
      : (open ?? (await forge.createPull(branch, { title, body })));
  await label(pull);
  return { action: open !== null && there !== undefined ? 'updated' : 'opened', pull, commit };
}
