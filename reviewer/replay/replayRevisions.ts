import { daySeconds } from '../../bundle/format/times.ts';
import { git, readBlobs, resolveCommit } from '../../bundle/git/git.ts';
import { mergeBase as commonAncestor } from '../../bundle/git/mergeBase.ts';
import { gitTree, partOf, type Tree } from '../../bundle/git/tree.ts';
import { readGrants } from '../../bundle/grants/readGrants.ts';
import { type ReviewRules, reviewFile } from '../../bundle/grants/reviewRules.ts';
import { networksFile } from '../../bundle/grants/schema.ts';
import { findOpa, type Opa } from '../../bundle/policy/opa.ts';
import { readChecked } from '../../bundle/yaml/readFile.ts';
import { type Requests, readRequests, type WindowSigns } from '../evidence/requests.ts';
import { createReplayer, type Replayer } from './createReplayer.ts';
import type { Networks } from './placesOf.ts';
import type { Replay } from './replay.ts';
import { createOpenSide, type OpenSide, type Side } from './side.ts';

type Window = {
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  /** Whole seconds since 1970: when requests come again, and where the window ends. */
  asOf: number;
  /** How far the window reaches back. */
  days: number;
  /** What was found of the window before. */
  known?: WindowSigns | undefined;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

type Options = Window & {
  repository: string;
  base: string;
  head: string;
  /** Compare with the commit that `head` was branched off from, not with `base` as it is now. */
  mergeBase: boolean;
  opa?: Opa;
};

/**
 * Decides the recorded requests of a window by two commits. Throws GitError `git-revision`, BundleError naming the commit,
 * ReviewError for records that cannot be read, OpaError.
 */
export async function replayRevisions(options: Options): Promise<Replay> {
  const { repository, mergeBase, progress } = options;
  const [theirs, ours] = [
    await resolveCommit(repository, options.base),
    await resolveCommit(repository, options.head),
  ];
  const from = mergeBase ? await commonAncestor(repository, theirs, ours) : theirs;
  const opa = options.opa ?? (await findOpa(progress === undefined ? {} : { progress }));
  const [base, head] = [await gitTree(repository, from), await gitTree(repository, ours)];
  return replayTrees({ ...options, base, head, opa });
}

/** The same by two trees. */
export async function replayTrees(options: Window & { base: Tree; head: Tree; opa: Opa }): Promise<Replay> {
  const openSide = createOpenSide(options.opa);
  options.progress?.('compiling both revisions');
  const base = await openSide(options.base);
  const head = await openSide(options.head);
  const replayer = await openReplayer({ ...options, tree: options.base, base, head });
  try {
    return await replayer.replay(head);
  } finally {
    await replayer.close();
  }
}

/** Requests that are at hand to be replayed against any change of one base. */
export type OpenReplayer = { replay: Replayer; openSide: OpenSide; close: () => Promise<void> };

/**
 * Reads the window once. `tree` is base's; where `head` is left out, a later one is asked about whose rules follow the
 * clock in no other way than base's do.
 */
export async function openReplayer(
  options: Window & { tree: Tree; base: Side; head?: Side },
): Promise<Omit<OpenReplayer, 'openSide'>> {
  const { tree, base, head, decisions, asOf, days, known, signal, progress } = options;
  const review = await rulesOf(tree);
  progress?.('reading decision records');
  const requests = await readRequests({
    ...{ sources: decisions, from: asOf - days * daySeconds, to: asOf, rules: { review }, known, signal },
    byTime: base.snapshot.reads.clock || head?.snapshot.reads.clock === true,
  });
  try {
    const eras = await foldByNetworks(requests, tree);
    progress?.(`${requests.records} records of ${requests.window.instances} gateways`);
    const { coverage } = review.thresholds;
    return {
      replay: createReplayer({ requests, base, eras, asOf, coverage, signal }),
      close: requests.close,
    };
  } catch (error) {
    await requests.close();
    throw error;
  }
}

/** The review rules of a tree, or every rule at its default. */
async function rulesOf(tree: Tree): Promise<ReviewRules> {
  const { review } = await readGrants(partOf(tree, ({ path }) => path === 'grants/review.yaml'));
  return review?.value ?? reviewFile.parse({});
}

/** Tells apart the revisions on record by how they declare networks; answers those, by era. */
async function foldByNetworks(requests: Requests, tree: Tree): Promise<(Networks | null)[]> {
  const revisions = (await requests.revisions()).filter((name) => /^[0-9a-f]{40,64}$/.test(name));
  const eras = new Map<string, number>();
  // A revision without the file declares none.
  const ids = [''];
  if (revisions.length > 0) {
    const prefix = (await git(tree.root, ['rev-parse', '--show-prefix'])).toString().trim();
    const file = `${prefix}${tree.within}grants/networks.yaml`;
    const asked = revisions.flatMap((name) => [`${name}^{commit}`, `${name}:${file}`]);
    const said = await git(tree.root, ['cat-file', '--batch-check'], `${asked.join('\n')}\n`);
    const lines = said.toString().split('\n');
    for (const [index, revision] of revisions.entries()) {
      const kindOf = (line: number) => (lines[line] ?? '').split(' ')[1];
      if (kindOf(index * 2) !== 'commit') continue;
      const id = kindOf(index * 2 + 1) === 'blob' ? (lines[index * 2 + 1]?.split(' ')[0] ?? '') : '';
      if (!ids.includes(id)) ids.push(id);
      eras.set(revision, ids.indexOf(id));
    }
  }
  await requests.fold(eras);
  const blobs = await readBlobs(tree.root, ids.slice(1));
  return ids.map((id) => (id === '' ? new Map() : networksIn(blobs.get(id))));
}

function networksIn(bytes: Buffer | undefined): Networks | null {
  if (bytes === undefined) return null;
  const { value } = readChecked(networksFile, bytes, 'grants/networks.yaml', { empty: {} });
  return value === undefined ? null : new Map(Object.entries(value));
}
