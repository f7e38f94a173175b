import { type DataSections, eachLine, valueAt } from '../data/dataSections.ts';
import { readGrantLine } from '../data/grantLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';

/** Network → the grants that ask for it, sorted; those that are suspended, or have ended at `at`, hold from nowhere. */
export function heldFrom(
  networks: readonly string[],
  { data, sections }: { data: Buffer; sections: DataSections },
  at: number | null,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map(networks.map((network) => [network, new Set<string>()]));
  if (found.size === 0) return new Map();
  // Most lines name none of them, and are not parsed.
  const texts = networks.map((network) => Buffer.from(JSON.stringify(network)));
  for (const section of sections.grants.values())
    eachLine(data, section, (_, line) => {
      const bytes = data.subarray(line.start, line.end);
      if (!texts.some((text) => bytes.includes(text))) return;
      for (const { id, state, expires, conditions } of readGrantLine(valueAt(data, line)))
        if (state !== 'suspended' && (at === null || expires === undefined || at < expires))
          for (const network of conditions?.networks ?? []) found.get(network)?.add(id);
    });
  return new Map([...found].map(([network, ids]) => [network, [...ids].sort(compareCodePoints)]));
}
