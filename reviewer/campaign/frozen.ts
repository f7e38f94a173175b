import { z } from 'zod';
import { git } from '../../bundle/git/git.ts';
import { detectorName } from '../../bundle/grants/names.ts';
import { tier } from '../../bundle/grants/schema.ts';
import { actions } from '../detect/judge.ts';
import type { CommitStatus, Forge } from '../forge/forge.ts';
import type { Mirror } from '../pulls/mirror.ts';
import { ownerPart } from '../pulls/text/branch.ts';
import { ReviewError } from '../reviewError.ts';

// What a campaign is about is one file in one commit on a branch that nobody merges: later runs need neither records
// nor memory, and judge nothing anew. Its parent is the commit that was judged.

const entry = z.object({
  grant: z.string(),
  principal: z.string(),
  api: z.string(),
  tier,
  /** Who is asked. */
  owner: z.string(),
  /** Of what it gave, to whom and why; another one tells that it has changed since. */
  digest: z.string(),
  /** What day its review named, where that was still ahead: the campaign has not been answered by it. */
  ahead: z.string().optional(),
  /** How many operations it covered. */
  covers: z.number(),
  gives: z.string(),
  suspended: z.literal(true).optional(),
  /** What the review proposes; `recertify`, where it found nothing, too. */
  action: z.enum(actions),
  detector: detectorName.optional(),
  /** What was found, in plain English. */
  why: z.string().optional(),
  to: z.union([z.object({ role: z.string() }), z.object({ operations: z.array(z.string()) })]).optional(),
  /** With `reassign`: whose it becomes. */
  heir: z.string().optional(),
  /** In the window of the evidence; left out where the records do not cover enough of it. */
  use: z.object({ allows: z.number(), days: z.number(), last: z.string().optional() }).optional(),
});

const frozen = z.object({
  version: z.literal(1),
  name: z.string(),
  scope: z.string().nullable(),
  /** The instant that the evidence ends at. */
  opened: z.string(),
  due: z.string(),
  commit: z.string(),
  population: z.object({ grants: z.number(), digest: z.string() }),
  evidence: z.object({
    from: z.string(),
    records: z.number(),
    instances: z.number(),
    coverage: z.number(),
    digest: z.string(),
  }),
  entries: z.array(entry),
});

export type FrozenEntry = z.output<typeof entry>;
export type Frozen = z.output<typeof frozen>;

const prefix = 'grantgate/campaign/';
const nameForm = /^[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9_-])){0,39}$/;
/** Names become parts of branches and files. */
export const isCampaignName = (name: string): boolean => nameForm.test(name) && !/\.lock$/i.test(name);
/** Every branch of a campaign begins with this. */
export const campaignPrefix = (name: string): string => `${prefix}${name}/`;
/** The branch that holds what a campaign asks about. */
export const frozenBranch = (name: string) => `${campaignPrefix(name)}frozen`;
/** The branch of an owner's pull request. */
export const partBranch = (name: string, owner: string): string =>
  `${campaignPrefix(name)}${ownerPart(owner)}`;
/** The campaign that a branch is of; null for any other branch. */
export function campaignOf(branch: string): string | null {
  const name = branch.startsWith(prefix) ? (branch.slice(prefix.length).split('/')[0] ?? '') : '';
  return isCampaignName(name) ? name : null;
}

const fileOf = (name: string) => `campaigns/${name}.json`;

/** One entry a line, so that people can read and compare it. */
export function renderFrozen({ entries, ...head }: Frozen): string {
  const lines = entries.map((one) => `    ${JSON.stringify(one)}`).join(',\n');
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "entries": [\n${lines}\n  ]\n}\n`;
}

/** Reads what {@link renderFrozen} wrote. Throws SyntaxError and ZodError for anything else. */
export function parseFrozen(text: string): Frozen {
  return frozen.parse(JSON.parse(text));
}

type On = { forge: Pick<Forge, 'hasStatus' | 'setStatus'>; mirror: Mirror };

/** What we say beside the commit: whoever may push can make one that calls itself ours, and nobody can say this for us. */
const frozenStatus: CommitStatus = {
  context: 'grantgate/frozen',
  state: 'success',
  description: 'What a campaign of the access review is about',
};

/**
 * Reads what a campaign has frozen; null where it has not been opened, or its branch holds what we have not frozen. Throws
 * ForgeError, and ReviewError `campaign-malformed` for what anybody but the bot has committed to, or cannot be read.
 */
export async function readFrozen({ forge, mirror }: On, name: string): Promise<Frozen | null> {
  const tip = mirror.branches.get(frozenBranch(name));
  if (tip === undefined) return null;
  const fail = (what: string, cause?: unknown) =>
    new ReviewError('campaign-malformed', `the branch ${frozenBranch(name)} ${what}`, { cause });
  if (await mirror.hasHumanCommits(tip))
    throw fail('has commits by people: what was frozen is not to be trusted');
  if (!(await forge.hasStatus(tip, frozenStatus.context))) return null;
  const path = `${mirror.folder}${fileOf(name)}`;
  try {
    const read = parseFrozen(
      (await git(mirror.repository, ['cat-file', 'blob', `${tip}:${path}`])).toString(),
    );
    if (read.name === name) return read;
  } catch (error) {
    throw fail(`holds no ${path} that can be read`, error);
  }
  throw fail(`holds another campaign's ${path}`);
}

/** Puts it into Git, and vouches for it; of two runs at once only one can. Throws ForgeError. */
export async function writeFrozen({ forge, mirror }: On, frozen: Frozen): Promise<void> {
  const { name, opened, population } = frozen;
  const message = `Freeze the campaign ${name}: ${population.grants} grants\n\nNot to be merged: it holds what the campaign's pull requests are about.\n`;
  const files = new Map([[fileOf(name), renderFrozen(frozen)]]);
  const commit = await mirror.commit(files, message, Date.parse(opened) / 1000);
  await mirror.push(frozenBranch(name), commit);
  await forge.setStatus(commit, frozenStatus);
}
