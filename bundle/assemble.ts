import { join } from 'node:path';
import type { Bundle } from './archive/bundle.ts';
import type { Evaluate } from './archive/golden.ts';
import { askGolden } from './askGolden.ts';
import { BundleError } from './bundleError.ts';
import { compileTree } from './compile/compileTree.ts';
import { documentSizes } from './data/dataSections.ts';
import { scanLines } from './data/scanLines.ts';
import { dataDigest } from './format/digest.ts';
import { git } from './git/git.ts';
import { gitTree, type Tree, treeFolders } from './git/tree.ts';
import { assertKnowsFacts } from './knowsFacts.ts';
import { assertKnowsParams, restrictsParams } from './knowsParams.ts';
import { admitPolicy } from './policy/admitPolicy.ts';
import type { Opa } from './policy/opa.ts';
import { assertPackages, readPolicies } from './policy/policies.ts';

/** The commit a tree stands for, or why it stands for none. */
async function committed(tree: Tree): Promise<Tree> {
  if (tree.revision === null || tree.committedAt === null)
    throw new BundleError('no-revision', `${tree.root} has no commit, and a bundle is made of a commit`);
  if (tree.shallow)
    throw new BundleError(
      'shallow',
      `${tree.root} is a shallow clone, so commits cannot be counted: fetch all history (git fetch --unshallow; fetch-depth: 0 in a workflow)`,
    );
  if (tree.source === 'commit') return tree;
  const changed = await git(tree.root, [
    'status',
    ...['--porcelain', '-z', '--untracked-files=all', '--', ...treeFolders],
  ]);
  if (changed.length > 0)
    throw new BundleError(
      'uncommitted',
      `${tree.root} has changes under grants/, policies/ or data/ that are not committed, and a bundle is made of a commit`,
    );
  // What is checked out may differ from the commit in line endings; the same commit gives the same bytes.
  return gitTree(tree.root, tree.revision, tree.within);
}

type AssembleOptions = {
  tree: Tree;
  opa: Opa;
  cache?: string;
  /** Runs the compiled policy, for the decisions that the bundle carries; left out, it carries none. */
  evaluator?: (wasm: Buffer) => Evaluate;
};

/**
 * Makes a bundle of a tree, a commit or not. Throws BundleError `grants-invalid` (with the problems) and
 * `policy-invalid`; GitError, TreeError, OpaError. `cache` is a folder for what is compiled; the user's when left out.
 */
export async function compileBundle({ tree, opa, cache, evaluator }: AssembleOptions): Promise<Bundle> {
  const { data, grants } = await compileTree(tree, cache === undefined ? undefined : join(cache, 'grants'));
  const policies = await readPolicies(tree, 'authz');
  assertPackages(policies);
  if (restrictsParams(data)) assertKnowsParams(policies);
  const { reads, wasm } = await admitPolicy(opa, policies, cache, documentSizes(data));
  await assertKnowsFacts(opa, policies, reads, data);
  const golden =
    evaluator &&
    (await askGolden({ tree, opa, policies, wasm, data, documents: reads.documents, evaluator }));
  return {
    revision: tree.revision ?? '',
    counter: tree.counter,
    committedAt: tree.committedAt ?? '',
    grants,
    digest: `sha256:${dataDigest(data)}`,
    data,
    // Looked through like any other: what the compiler got wrong must not be served.
    lines: scanLines(data),
    wasm,
    reads,
    policies,
    ...(golden && { golden }),
  };
}

/** {@link compileBundle} of a commit. Throws BundleError `no-revision`, `uncommitted` and `shallow` besides. */
export async function assemble(options: AssembleOptions): Promise<Bundle> {
  return compileBundle({ ...options, tree: await committed(options.tree) });
}
