import type { Forge, ForgePull } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import { vouch } from '../pulls/announce.ts';
import type { Mirror } from '../pulls/mirror.ts';
import { changed, changing } from '../pulls/text/alerts.ts';
import { joinPart, type PartMarker, parsePart, partRemembered, partsOf } from './marker.ts';

// What is announced is what is merged, as in every pull request of the review: a text names the commit it speaks of, only
// that commit has the status, and while the two change the text says so.

/** What an owner's pull request is to hold and say. */
export type WantedPart = { marker: Omit<PartMarker, 'commit'>; own: string; commit: string; title: string };
type On = { forge: Forge; mirror: Mirror };

/** The whole text, with what people wrote around it. */
export const bodyOf = ({ marker, own, commit }: WantedPart, body = ''): string =>
  joinPart({ ...marker, commit }, own, partsOf(body));

/** Brings a pull request to another commit and text; `state` opens it again. */
export async function bringUpPart(
  { forge, mirror }: On,
  pull: ForgePull,
  wanted: WantedPart,
  state?: 'open',
): Promise<ForgePull> {
  const { marker, commit } = wanted;
  if (mirror.branches.get(pull.branch) !== commit || state !== undefined) {
    // What it remembers is what it remembered: a run that dies here has decided nothing yet.
    const remembered = partRemembered(pull);
    const { closed: _, ...known } = remembered ?? marker;
    const around = partsOf(pull.body);
    // What somebody else has written is not said on as the campaign's.
    const own = remembered === null ? '' : changed(around.own);
    const body = joinPart({ ...known, commit: null }, `${changing}\n\n${own}`, around);
    await forge.updatePull(pull.number, { body, ...(state !== undefined && { state }) });
    if (mirror.branches.get(pull.branch) !== commit) await mirror.push(pull.branch, commit);
  }
  const updated = await forge.updatePull(pull.number, { body: bodyOf(wanted, pull.body) });
  await vouch(forge, commit);
  return updated;
}

/**
 * Opens a pull request; null when the forge has one that it does not list yet: a later run sees it. An answer may be lost
 * after the work was done, so after a failure the forge is asked what it has.
 */
export async function openPart(
  { forge, mirror }: On,
  branch: string,
  wanted: WantedPart,
): Promise<ForgePull | null> {
  const tip = mirror.branches.get(branch);
  // Behind the back of a pull request that no list shows yet, nothing is pushed.
  if (tip !== undefined && tip !== wanted.commit && (await forge.findOpen(branch)) !== null) return null;
  if (tip !== wanted.commit) await mirror.push(branch, wanted.commit);
  let opened: ForgePull;
  try {
    opened = await forge.createPull(branch, { title: wanted.title, body: bodyOf(wanted) });
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const found = await forge.findOpen(branch).catch(() => null);
    if (found !== null && parsePart(found.body)?.commit === wanted.commit) opened = found;
    else if (found !== null || /already exists/i.test(error.message)) return null;
    else throw error;
  }
  await vouch(forge, wanted.commit);
  return opened;
}
