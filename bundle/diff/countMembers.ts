import { type DataSections, eachLine } from '../data/dataSections.ts';
import type { PrincipalLine } from '../data/principalLine.ts';
import { principalReader } from './principalReader.ts';

type Side = { data: Buffer; sections: Pick<DataSections, 'principals'> };

/** How many active people and services are in each of these groups. */
export function countMembers({ data, sections }: Side, groups: ReadonlySet<string>): Map<string, number> {
  const counts = new Map([...groups].map((group) => [group, 0]));
  if (groups.size === 0) return counts;
  const parse = principalReader(data);
  const alike = new Map<PrincipalLine, number>();
  eachLine(data, sections.principals, (_, line) => {
    const principal = parse(line);
    alike.set(principal, (alike.get(principal) ?? 0) + 1);
  });
  for (const [{ active, groups: theirs }, many] of alike)
    if (active)
      for (const group of theirs) if (groups.has(group)) counts.set(group, (counts.get(group) ?? 0) + many);
  return counts;
}
