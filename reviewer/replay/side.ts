import { compileBundle } from '../../bundle/assemble.ts';
import { BundleError } from '../../bundle/bundleError.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { createDecider } from '../../gateway/decision/decider.ts';
import type { Decide } from '../../gateway/decision/decision.ts';
import { createPrepare, type Prepare } from '../../gateway/decision/prepare.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { openSnapshot, type Snapshot } from '../../gateway/revision/snapshot.ts';

/** One of the two revisions that a replay holds against each other, deciding as a gateway would. */
export type Side = { revision: string; snapshot: Snapshot; decide: Decide };

/** Opens revisions one after the other; rules that stay the same are compiled once. */
export type OpenSide = (tree: Tree) => Promise<Side>;

/**
 * Compiles revisions as a merge would. Throws BundleError `grants-invalid` and `policy-invalid` naming the commit,
 * OpaError, and what reading the tree throws.
 */
export function createOpenSide(opa: Opa): OpenSide {
  const prepare: Prepare = createPrepare();
  return async (tree) => {
    const bundle = await compileBundle({ tree, opa }).catch((error: unknown) => {
      if (!(error instanceof BundleError)) throw error;
      const { code, message, problems } = error;
      throw new BundleError(code, `${tree.revision?.slice(0, 12)}: ${message}`, { problems, cause: error });
    });
    const snapshot = openSnapshot(prepare(bundle), 0);
    return {
      revision: bundle.revision,
      snapshot,
      decide: createDecider(snapshot, createSlices(snapshot)).decide,
    };
  };
}
