import type { TreeDiff } from '../../bundle/diff/diffTrees.ts';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { isWithinBlocks } from '../../bundle/format/isWithinBlocks.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { targetOf } from './targetOf.ts';

type Options = { base: Organisation; head: Organisation; heads: TreeDiff['heads'] };

/**
 * APIs at which the same grants may allow more than before, as what they refer to became something else: a network that
 * they ask for holds other addresses, an operation is another method or path, requests go elsewhere, or there are more ways to
 * sign in. Sorted.
 */
export function openedApis({ base, head, heads }: Options): string[] {
  const found = new Set(heads.operations.map(({ api }) => api));
  for (const api of base.apis.values()) {
    const now = head.apis.get(api.name);
    if (now !== undefined && targetOf(now) !== targetOf(api)) found.add(api.name);
  }
  for (const { api, before, after } of heads.authentication)
    if (before !== null && (after === null || after.some((way) => !before.includes(way)))) found.add(api);
  const grown = heads.networks.flatMap(({ network, before, after }) =>
    before !== null && after !== null && !isWithinBlocks(after, before) ? [network] : [],
  );
  // A grant that comes or changes is judged by itself.
  const known = new Set(base.grants.map(({ id }) => id));
  for (const { id, api, conditions } of grown.length > 0 ? head.grants : [])
    if (known.has(id) && conditions?.networks?.some((name) => grown.includes(name))) found.add(api);
  return [...found].sort(compareCodePoints);
}
