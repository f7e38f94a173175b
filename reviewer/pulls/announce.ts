import type { CommitStatus, Forge, ForgePull } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import { optional } from '../forge/optional.ts';
import type { Mirror } from './mirror.ts';
import { changed, changing } from './text/alerts.ts';
import { joinBody } from './text/joinBody.ts';
import { bodyParts, type Marker, parseBody, rememberedIn } from './text/marker.ts';

// What is announced is what is merged. A text names the commit that it speaks of, and only that commit gets the status
// below: where it is required, nothing else can be merged. While the two change, the text says so.

/** The name of the status to require on the base branch. */
export const announcedContext = 'grantgate/announced';
const announced: CommitStatus = {
  context: announcedContext,
  state: 'success',
  description: 'The description says what this commit does',
};

/** What a pull request is to say and do. `own` is the body's text without its marker. */
export type WantedPull = { marker: Omit<Marker, 'commit'>; own: string; commit: string; draft: boolean };

type On = { forge: Forge; mirror: Mirror };

/** Says beside the commit that the text is its own. A token that may not, does without. */
export async function vouch(forge: Forge, commit: string): Promise<void> {
  await optional(() => forge.setStatus(commit, announced));
}

const withCommit = ({ marker, commit }: WantedPull): Marker => ({ ...marker, commit });

/** Somebody's title stays. */
const titleFor = (pull: ForgePull, wanted: WantedPull) => {
  const said = parseBody(pull.body)?.title;
  return said === undefined || pull.title === said ? { title: wanted.marker.title } : {};
};

/** Brings an open or closed pull request to another commit and text; `state` opens it again. */
export async function bringUp(
  { forge, mirror }: On,
  pull: ForgePull,
  wanted: WantedPull,
  state?: 'open',
): Promise<ForgePull> {
  const parts = bodyParts(pull.body);
  // What somebody else has written is not said on as the review's.
  const said = rememberedIn(pull);
  const own = said === null ? '' : changed(parts.own);
  const { closed: _, remembered: __, ...kept } = said ?? wanted.marker;
  // What has no room is refused before anything is written.
  const body = joinBody(withCommit(wanted), wanted.own, parts);
  await forge.updatePull(pull.number, {
    body: joinBody({ ...kept, commit: null }, `${changing}\n\n${own}`, parts),
    ...(state !== undefined && { state }),
  });
  if (mirror.branches.get(pull.branch) !== wanted.commit) await mirror.push(pull.branch, wanted.commit);
  const updated = await forge.updatePull(pull.number, {
    ...titleFor(pull, wanted),
    body,
  });
  await vouch(forge, wanted.commit);
  return updated;
}

/** Only the text is behind: the branch holds the commit already. */
export async function updateText(
  { forge }: Pick<On, 'forge'>,
  pull: ForgePull,
  wanted: WantedPull,
): Promise<ForgePull> {
  const updated = await forge.updatePull(pull.number, {
    ...titleFor(pull, wanted),
    body: joinBody(withCommit(wanted), wanted.own, bodyParts(pull.body)),
  });
  await vouch(forge, wanted.commit);
  return updated;
}

/**
 * Opens a pull request; null when the forge says that there is one, but does not list it yet: a later run sees it. A
 * branch is never deleted: it may be another run's, or the answer that it has no pull request may be late.
 */
export async function openPull(
  { forge, mirror }: On,
  branch: string,
  wanted: WantedPull,
  isKnown: boolean,
): Promise<ForgePull | null> {
  const texts = (commit: string | null, own: string) => ({
    title: wanted.marker.title,
    body: joinBody({ ...wanted.marker, commit }, own, { above: '', below: '' }),
  });
  const tip = mirror.branches.get(branch);
  if (tip !== undefined && tip !== wanted.commit && !isKnown) {
    // The branch may have a pull request that the list does not show yet, and must not change behind its back.
    const opened = await create(forge, branch, texts(null, changing), wanted.draft);
    if (opened === 'exists') return null;
    if (opened !== 'nothing') return bringUp({ forge, mirror }, opened, wanted);
  }
  if (tip !== wanted.commit) await mirror.push(branch, wanted.commit);
  const opened = await create(forge, branch, texts(wanted.commit, wanted.own), wanted.draft);
  if (opened === 'exists') return null;
  if (opened === 'nothing')
    throw new ForgeError('forge-refused', `POST /repos/${forge.slug}/pulls`, 'found nothing to merge');
  await vouch(forge, wanted.commit);
  return opened;
}

/** An answer may be lost after the work was done, so after a failure the forge is asked what it has. */
async function create(
  forge: Forge,
  branch: string,
  texts: { title: string; body: string },
  draft: boolean,
): Promise<ForgePull | 'exists' | 'nothing'> {
  try {
    return await forge.createPull(branch, texts, draft);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    if (/No commits between/.test(error.message)) return 'nothing';
    const found = await forge.findOpen(branch).catch(() => null);
    // Ours when it says what was to be said; somebody else's is dealt with once it is listed.
    const [theirs, ours] = [parseBody(found?.body ?? ''), parseBody(texts.body)];
    if (found !== null && theirs !== null && theirs.commit === ours?.commit) return found;
    if (found !== null || /already exists/i.test(error.message)) return 'exists';
    throw error;
  }
}
