import type { ParamsLine } from '../data/grantLine.ts';
import type { Conditions } from './conditions.ts';
import { valuesText } from './paramsText.ts';

/**
 * "tenant also acme; region no longer eu or us": which values path parameters that both sides restrict may have on one of
 * them only. In long lists nobody would find the one that came; empty where there is none.
 */
export function movedValues(before: readonly Conditions[], after: readonly Conditions[]): string {
  const [old, now] = [namedIn(before), namedIn(after)];
  return [...old]
    .flatMap(([name, was]) => {
      const is = now.get(name);
      if (is === undefined) return [];
      const [more, fewer] = [is.difference(was), was.difference(is)];
      return [
        ...(more.size > 0 ? [`${name} also ${valuesText([...more])}`] : []),
        ...(fewer.size > 0 ? [`${name} no longer ${valuesText([...fewer])}`] : []),
      ];
    })
    .join('; ');
}

function namedIn(all: readonly Conditions[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { params = {} } of all)
    for (const [name, wanted] of Object.entries(params))
      found.set(name, new Set([...(found.get(name) ?? []), ...textsOf(wanted)]));
  return found;
}

const textsOf = (wanted: ParamsLine[string]): readonly string[] =>
  'claim' in wanted ? [`claim:${wanted.claim}`] : wanted;
