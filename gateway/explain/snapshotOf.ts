import { compileBundle } from '../../bundle/assemble.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { openOpa } from '../../bundle/policy/opa.ts';
import { createPrepare } from '../decision/prepare.ts';
import { openSnapshot, type Snapshot } from '../revision/snapshot.ts';

/** A tree as a gateway would have it in force. Throws BundleError, TreeError, OpaError. */
export async function snapshotOf(
  tree: Tree,
  options: { progress?: (line: string) => void },
): Promise<Snapshot> {
  return openSnapshot(createPrepare()(await compileBundle({ tree, opa: openOpa(options) })), 0);
}
