import { counted } from '../../bundle/format/counted.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import type { Forge } from '../forge/forge.ts';
import { fenced } from '../forge/markdown.ts';
import { settleProposal } from '../proposal/openProposal.ts';
import { type Mirror, openMirror } from '../pulls/mirror.ts';
import type { Synced } from './sync.ts';
import { type SyncOptions, syncProviders } from './syncProviders.ts';
import { syncText } from './syncText.ts';

const prefix = 'grantgate/sync/';

/** What became of one provider's proposal. */
export type Proposed = {
  synced: Synced;
  /**
   * `none`: nothing is due; `left`: somebody has committed to its branch, or approved it; `idle`: it says that already.
   */
  action: 'none' | 'opened' | 'updated' | 'idle' | 'left' | 'merged' | 'closed';
  url: string | null;
};

/**
 * Compares the providers with the branch that is enforced and proposes what changed: a branch and a pull request each,
 * updated in place, closed when there is nothing to propose any more. Throws SyncError, ForgeError.
 */
export async function proposeSync(forge: Forge, options: SyncOptions): Promise<Proposed[]> {
  const mirror = await openMirror(forge, options.signal, prefix);
  try {
    const { repository, base } = mirror;
    const tree = await gitTree(repository, base.commit, mirror.folder);
    const found = await syncProviders(options, { tree, repository, commit: base.commit });
    const proposed: Proposed[] = [];
    for (const synced of found) proposed.push(await proposeOne(forge, mirror, synced));
    for (const { keep } of found) await keep();
    return proposed;
  } finally {
    await mirror.close();
  }
}

async function proposeOne(forge: Forge, mirror: Mirror, synced: Synced): Promise<Proposed> {
  const branch = `${prefix}${synced.provider}`;
  if (synced.bytes === null) {
    const open = await forge.findOpen(branch);
    if (open === null) return { synced, action: 'none', url: null };
    await forge.comment(
      open.number,
      'The provider says again what the repository has: there is nothing to merge.',
    );
    await forge.updatePull(open.number, { state: 'closed' });
    return { synced, action: 'closed', url: open.url };
  }
  const text = synced.bytes.toString();
  const proposal = {
    branch,
    texts: new Map([[synced.file, text]]),
    ...textsOf(synced),
    labels: [],
    at: Math.floor(Date.parse(syncedAt(text)) / 1000),
    isNews: (was: string, is: string) => withoutInstants(was) !== withoutInstants(is),
  };
  const { action, pull, commit } = await settleProposal(forge, mirror, proposal);
  if (action === 'left' || !synced.mergeRemovals || !synced.onlyTakesAway)
    return { synced, action, url: pull.url };
  // Just what was looked at, and nothing that came to the branch since; where the forge does not let it, the next run
  // tries again.
  const merged = await forge.mergePull(pull.number, commit);
  return { synced, action: merged ? 'merged' : action, url: pull.url };
}

/** What access could rest on: when it was read and who signed in when is no news. */
const withoutInstants = (text: string) => text.replace(/^(?:synced:| +last_sign_in:) .*\n/gm, '');
const syncedAt = (text: string) => /^synced: (.+)$/m.exec(text)?.[1] ?? '';

function textsOf(synced: Synced): { title: string; body: string } {
  const { came, left, status, replaced, groups } = synced.changes;
  const leavers = left.length + status.filter(({ after }) => after.status !== 'active').length;
  const parts = [
    ...(came.length > 0 ? [`${came.length} came`] : []),
    ...(leavers > 0 ? [`${leavers} left or suspended`] : []),
    ...(replaced.length > 0 ? [`${replaced.length} replaced`] : []),
    ...(groups.length > 0 ? [`${counted(groups.length, 'group')} changed`] : []),
  ];
  const title = `Sync ${synced.provider}: ${parts.join(', ') || 'confirms who is gone'}`;
  const body = [
    `What ${synced.provider} says otherwise than \`${synced.file}\`:`,
    fenced(syncText(synced), 'text'),
    synced.onlyTakesAway
      ? 'By the directory nobody gains any access by this.'
      : 'Merging this gives and takes access as listed above.',
    'It is the directory that changes: to change it otherwise, change it at the provider. The next sync updates this pull request, and closes it when there is nothing left.',
  ].join('\n\n');
  return { title, body };
}
