import type { Problem } from '../bundleError.ts';
import type { Tree } from '../git/tree.ts';
import { readPolicies } from '../policy/policies.ts';
import { problem } from '../yaml/problem.ts';

/** A file `policies/review/NAME.rego` of the repository. */
export type OwnDetector = {
  /** As findings and exemptions call it: the file's name with hyphens. */
  name: string;
  path: string;
  source: Buffer;
};

/** A file that is there and is no detector: what it was to find is not looked for. */
export type Misplaced = { name: string; problem: Problem };

const folder = 'policies/review/';
const fileName = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.rego$/;

const nameOf = (path: string) =>
  path
    .slice(folder.length)
    .replace(/\.rego$/, '')
    .replaceAll('_', '-');

/**
 * Finds the detectors that a repository has beside those that come with the product. A copy of one of those is passed
 * over; a file of the same name that says otherwise is refused, for it would replace a criterion in silence.
 */
export async function readDetectors(
  tree: Pick<Tree, 'list' | 'read'>,
): Promise<{ own: OwnDetector[]; misplaced: Misplaced[] }> {
  const paths = (await tree.list()).filter(
    (path) => path.startsWith(folder) && path.endsWith('.rego') && !path.endsWith('_test.rego'),
  );
  if (paths.length === 0) return { own: [], misplaced: [] };
  const builtIn = await readPolicies(tree, 'review');
  const own: OwnDetector[] = [];
  const misplaced: Misplaced[] = [];
  for (const [path, source] of await tree.read(paths)) {
    const refuse = (message: string) =>
      misplaced.push({ name: nameOf(path), problem: problem(path, 'policy', message) });
    const ours = builtIn.get(path);
    if (ours !== undefined) {
      if (!ours.equals(source))
        refuse(
          'a detector of this name comes with the product and cannot be replaced, expected another name',
        );
    } else if (!fileName.test(path.slice(folder.length)) || nameOf(path).length > 40)
      refuse(
        `a detector is a file ${folder}NAME.rego, expected a name of small letters and digits, joined by _, of 40 characters at most`,
      );
    else own.push({ name: nameOf(path), path, source });
  }
  return { own, misplaced };
}
