import { git } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import { type Mirror, openMirror } from '../pulls/mirror.ts';
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
  /** Whether somebody, by the forge's name, may approve it, besides those who may push. */
  answers?: (login: string) => boolean;
  /** Tells whom it is about of its pull request, before it is labelled: one without its labels nobody was told of. */
  tell?: (pull: ForgePull) => Promise<unknown>;
  /** Whether a text says otherwise than another, of those that are not the same; left out, it does. */
  isNews?: (was: string, is: string) => boolean;
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
export async function settleProposal(forge: Forge, mirror: Mirror, proposal: Proposal): Promise<Opened> {
  const { branch, texts, title: whole, body, labels, at, answers, tell } = proposal;
  const title = whole.length > longestTitle ? `${whole.slice(0, longestTitle - 2).toWellFormed()}…` : whole;
  /** What a run that died behind the creation did not get to. */
  const finish = async (pull: ForgePull) => {
    if (labels.every((one) => pull.labels.includes(one))) return;
    await tell?.(pull);
    await forge.addLabels(pull.number, labels);
  };
  const open = await forge.findOpen(branch);
  const there = mirror.branches.get(branch);
  if (
    open !== null &&
    there !== undefined &&
    ((await mirror.hasHumanCommits(there)) || (await forge.isApproved(open.number, answers)))
  )
    return { action: 'left', pull: open, commit: there };
  const commit = await mirror.commit(texts, `${whole}\n`, at);
  // A text may leave things out, and a commit say that it is the bot's: what its merge would give is looked at.
  if (
    open !== null &&
    there !== undefined &&
    open.body === body &&
    (await says(mirror, there, proposal, commit))
  ) {
    await finish(open);
    return { action: 'idle', pull: open, commit: there };
  }
  await mirror.push(branch, commit);
  const pull =
    open !== null && there !== undefined
      ? await forge.updatePull(open.number, { title, body })
      : (open ?? (await created(forge, branch, { title, body })));
  await finish(pull);
  return { action: open !== null && there !== undefined ? 'updated' : 'opened', pull, commit };
}

/** Whether the merge of a branch gives what that of a commit does, but for what is no news. */
async function says(
  mirror: Mirror,
  tip: string,
  { texts, isNews = () => true }: Proposal,
  commit: string,
): Promise<boolean> {
  const differing = await mirror.differing(tip, commit);
  if (differing === null) return false;
  const ours = new Map([...texts].map(([path, text]) => [`${mirror.folder}${path}`, text]));
  for (const path of differing.paths) {
    const text = ours.get(path);
    if (text === undefined) return false;
    const theirs = await git(mirror.repository, ['cat-file', 'blob', `${differing.tree}:${path}`]).catch(
      () => null,
    );
    if (theirs === null || isNews(theirs.toString(), text)) return false;
  }
  return true;
}

/** The answer may be lost after the work was done, so after a failure the forge is asked what it has. */
async function created(
  forge: Forge,
  branch: string,
  texts: { title: string; body: string },
): Promise<ForgePull> {
  try {
    return await forge.createPull(branch, texts);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const found = await forge.findOpen(branch).catch(() => null);
    if (found === null) throw error;
    return found.body === texts.body ? found : forge.updatePull(found.number, texts);
  }
}
