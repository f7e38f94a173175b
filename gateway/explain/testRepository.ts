import { resolve } from 'node:path';
import type { Problem } from '../../bundle/bundleError.ts';
import { workingTree } from '../../bundle/git/tree.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { runTests } from '../../bundle/policy/runTests.ts';
import { snapshotOf } from './snapshotOf.ts';
import { readExamples, tryExamples } from './tryExamples.ts';

/** `examples`: how many decisions were tried. */
export type Tested = { problems: Problem[]; examples: number };

type Options = {
  /** Told of a download; left out, nobody is. */
  progress?: (line: string) => void;
  /** Whether the policies' own tests are run as well. */
  policies: boolean;
};

/**
 * Runs what a repository has to say of its decisions: the tests of its policies, and the examples in `tests/*.yaml`, each
 * decided in WASM over the grants as they lie on disk. Never depends on the clock. Throws BundleError `grants-invalid` or
 * `policy-invalid`, TreeError, OpaError.
 */
export async function testRepository(root: string, { progress, policies }: Options): Promise<Tested> {
  const folder = resolve(root);
  const options = progress === undefined ? {} : { progress };
  const { examples, problems } = await readExamples(folder);
  const found = [...problems];
  if (examples.length === 0 && !policies) return { problems: found, examples: 0 };
  const tree = await workingTree(folder);
  if (policies) found.push(...(await runTests(tree, await findOpa(options))));
  if (examples.length > 0) found.push(...tryExamples(await snapshotOf(tree, options), examples));
  return { problems: found, examples: examples.length };
}
