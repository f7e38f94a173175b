import type { Problem } from '../bundleError.ts';
import type { Tree } from '../git/tree.ts';
import { detector as builtIn } from '../grants/names.ts';
import type { Organisation } from '../grants/organisation.ts';
import { parseYaml } from '../yaml/parseYaml.ts';
import { problem, show } from '../yaml/problem.ts';
import { readDetectors } from './readDetectors.ts';

const file = 'grants/review.yaml';

/** Exemptions and thresholds for detectors that are not there: they would apply to nothing, and nobody would know. */
export async function unknownDetectors(
  tree: Pick<Tree, 'list' | 'read'>,
  { exemptions, thresholds }: Pick<Organisation['review'], 'exemptions' | 'thresholds'>,
): Promise<Problem[]> {
  const named = [
    ...exemptions.map(({ detector }, index) => ({ detector, path: ['exemptions', index, 'detector'] })),
    ...Object.keys(thresholds.own).map((detector) => ({ detector, path: ['thresholds', 'own', detector] })),
  ].filter(({ detector, path }) => path[1] === 'own' || !builtIn.safeParse(detector).success);
  if (named.length === 0) return [];
  const own = new Set((await readDetectors(tree)).own.map(({ name }) => name));
  const strange = named.filter(({ detector }) => !own.has(detector));
  if (strange.length === 0) return [];
  const text = (await tree.read([file])).get(file)?.toString('utf8') ?? '';
  const { places } = parseYaml(text, file);
  return strange.map(({ detector, path }) =>
    problem(
      places.nearest(path),
      'unknown-detector',
      `there is no detector ${show(detector)}, expected one of the product or policies/review/${detector.replaceAll('-', '_')}.rego`,
    ),
  );
}
