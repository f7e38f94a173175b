import { join } from 'node:path';
import { BundleError } from './bundleError.ts';
import { compilePolicy } from './compilePolicy.ts';
import { compileTree } from './compileTree.ts';
import { dataDigest } from './digest.ts';
import { git } from './git.ts';
import { load } from './load.ts';
import type { Organisation } from './model.ts';
import type { Opa } from './opa.ts';
import { readPolicies } from './policies.ts';
import { formatProblem } from './problem.ts';
import { gitTree, type Tree } from './tree.ts';

/** The decision every bundle answers. */
export const entrypoint = 'grantgate/authz/decision';

/** The contents of a bundle: what {@link assemble} makes of a commit and what verifying an archive gives back. */
export type Bundle = {
  /** The commit. */
  revision: string;
  /** First-parent commits up to it; a gateway refuses to go back. */
  counter: number;
  committedAt: string;
  /** How many grants there are. */
  grants: number;
  /** `sha256:HEX` of data.json without its line feeds. */
  digest: string;
  /** data.json in line form. */
  data: Buffer;
  /** The compiled decision. */
  wasm: Buffer;
  /** Path → Rego, for OPA servers and for readers. */
  policies: ReadonlyMap<string, Buffer>;
};

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
    ...['--porcelain', '-z', '--untracked-files=all', '--', 'grants', 'policies'],
  ]);
  if (changed.length > 0)
    throw new BundleError(
      'uncommitted',
      `${tree.root} has changes under grants/ or policies/ that are not committed, and a bundle is made of a commit`,
    );
  // What is checked out may differ from the commit in line endings; the same commit gives the same bytes.
  return gitTree(tree.root, tree.revision);
}

/** Throws BundleError `policy-invalid` for a package outside of the roots: OPA refuses a bundle that holds one. */
export function assertPackages(policies: ReadonlyMap<string, Buffer>): void {
  for (const [path, source] of policies) {
    const name = /^[ \t]*package[ \t]+([^\s#]+)/m.exec(source.toString())?.[1];
    if (name !== 'grantgate.authz' && !name?.startsWith('grantgate.authz.'))
      throw new BundleError(
        'policy-invalid',
        `${path}: the package must be grantgate.authz or below it, got ${name ?? 'none'}`,
      );
  }
}

/** The organisation of a tree. Throws BundleError `grants-invalid`, with the problems. */
export async function loadValid(tree: Tree): Promise<Organisation> {
  const { organisation, problems } = await load(tree);
  if (organisation === null)
    throw new BundleError(
      'grants-invalid',
      `grants/ has ${problems.length} problem(s), the first: ${problems[0] ? formatProblem(problems[0]) : ''}`,
      { problems },
    );
  return organisation;
}

/**
 * Makes the bundle of a commit. Throws BundleError `grants-invalid` (with the problems), `policy-invalid`,
 * `no-revision`, `uncommitted`, `shallow`; GitError, TreeError, OpaError.
 */
export async function assemble(options: { tree: Tree; opa: Opa; cache?: string }): Promise<Bundle> {
  const tree = await committed(options.tree);
  const { data, grants } = await compileTree(
    tree,
    options.cache === undefined ? undefined : join(options.cache, 'grants'),
  );
  const policies = await readPolicies(tree, 'authz');
  assertPackages(policies);
  const wasm = await compilePolicy(options.opa, policies, entrypoint, options.cache);
  return {
    revision: tree.revision ?? '',
    counter: tree.counter,
    committedAt: tree.committedAt ?? '',
    grants,
    digest: `sha256:${dataDigest(data)}`,
    data,
    wasm,
    policies,
  };
}
