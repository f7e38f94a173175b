import { join } from 'node:path';
import { BundleError } from './bundleError.ts';
import { compilePolicy } from './compilePolicy.ts';
import { compileTree } from './compileTree.ts';
import { dataDigest } from './digest.ts';
import { entrypoint } from './entrypoint.ts';
import { git } from './git.ts';
import { type Evaluate, type Golden, goldenDecisions } from './golden.ts';
import type { Opa } from './opa.ts';
import { readPolicies } from './policies.ts';
import type { Release, Terms } from './release.ts';
import { type DataLines, scanLines } from './scanLines.ts';
import { gitTree, type Tree } from './tree.ts';

/** The contents of a bundle: what {@link assemble} makes of a commit and what verifying an archive gives back. */
export type Bundle = Release &
  Terms & {
    /** The commit. */
    revision: string;
    committedAt: string;
    /** How many grants there are. */
    grants: number;
    /** `sha256:HEX` of data.json without its line feeds. */
    digest: string;
    /** data.json in line form. */
    data: Buffer;
    /** What stands where in it. */
    lines: DataLines;
    /** The compiled decision. */
    wasm: Buffer;
    /** Decisions to try it by before it serves. */
    golden?: readonly Golden[];
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
  const wasm = await compilePolicy(opa, policies, entrypoint, cache);
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
    policies,
    ...(evaluator && {
      golden: goldenDecisions(data, evaluator(wasm), Math.floor(Date.parse(tree.committedAt ?? '') / 1000)),
    }),
  };
}

/** {@link compileBundle} of a commit. Throws BundleError `no-revision`, `uncommitted` and `shallow` besides. */
export async function assemble(options: AssembleOptions): Promise<Bundle> {
  return compileBundle({ ...options, tree: await committed(options.tree) });
}
