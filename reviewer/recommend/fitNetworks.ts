/** Names of networks that a use was in, and how many uses were in just these. */
export type Places = { names: readonly string[]; uses: number };

const mostNetworks = 5;

/**
 * The fewest declared networks such that every use came from one of them: one by one whichever covers most of what is
 * left. Null where some use came from none, or too many would be needed to say anything.
 */
export function fitNetworks(places: readonly Places[], declared: ReadonlySet<string>): string[] | null {
  let left = places.map(({ names, uses }) => ({ names: names.filter((name) => declared.has(name)), uses }));
  if (left.length === 0 || left.some(({ names }) => names.length === 0)) return null;
  const chosen: string[] = [];
  while (left.length > 0 && chosen.length < mostNetworks) {
    const covers = new Map<string, number>();
    for (const { names, uses } of left)
      for (const name of names) covers.set(name, (covers.get(name) ?? 0) + uses);
    const [best] = [...covers].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (best === undefined) return null;
    chosen.push(best[0]);
    left = left.filter(({ names }) => !names.includes(best[0]));
  }
  return left.length > 0 ? null : chosen.sort();
}
