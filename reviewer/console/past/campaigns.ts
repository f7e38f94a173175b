import { git } from '../../../bundle/git/git.ts';
import type { Tree } from '../../../bundle/git/tree.ts';
import { type Frozen, parseFrozen } from '../../campaign/frozen.ts';
import { type Report, reportOf } from '../../campaign/report.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import { bot } from '../../pulls/mirror.ts';

/** A campaign as a branch of this clone holds it. */
export type Campaign = {
  frozen: Frozen;
  branch: string;
  /** Somebody but the bot has committed to it, so that what was frozen is not to be trusted. */
  isTouched: boolean;
};

export type Progress = Campaign & { report: Report };

const pattern = /^refs\/(?:heads|remotes\/[^/]+)\/grantgate\/campaign\/([^/]+)\/frozen$/;

/** The campaigns whose branches this clone has, fetched or its own, the newest first; what cannot be read is left out. Throws GitError. */
export async function readCampaigns({ root, within, revision }: Tree): Promise<Campaign[]> {
  if (revision === null) return [];
  const listing = await git(root, [
    'for-each-ref',
    '--format=%(refname) %(objectname) %(authoremail)',
    // With a star in it, a pattern has to fit the whole name.
    ...['refs/heads/grantgate/campaign/*/frozen', 'refs/remotes/*/grantgate/campaign/*/frozen'],
  ]);
  const found = new Map<string, Campaign>();
  for (const line of listing.toString().split('\n')) {
    const [branch = '', commit = '', author = ''] = line.split(' ');
    const [, name] = pattern.exec(branch) ?? [];
    if (name === undefined || found.has(name)) continue;
    try {
      const text = await git(root, ['cat-file', 'blob', `${commit}:${within}campaigns/${name}.json`]);
      const frozen = parseFrozen(text.toString());
      if (frozen.name === name) found.set(name, { frozen, branch, isTouched: author !== `<${bot.email}>` });
    } catch {
      // A branch of that name which holds no campaign.
    }
  }
  return [...found.values()].sort((a, b) => (a.frozen.opened < b.frozen.opened ? 1 : -1));
}

/** How it stands by what the repository says of the grants: pull requests are the forge's, which nobody asks here. */
export function progressOf(campaign: Campaign, { organisation, asOf }: Inventory): Progress {
  const grants = new Map(organisation.grants.map((grant) => [grant.id, grant]));
  const report = reportOf(campaign.frozen, {
    ...{ results: [], attested: new Map(), base: { organisation, grants }, asOf },
  });
  return { ...campaign, report };
}
