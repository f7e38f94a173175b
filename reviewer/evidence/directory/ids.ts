type Known = { provider: string; id: string; at: number };

/** Follows by which provider's id logins were known, one state after the other, oldest first. */
export function createIds() {
  const known = new Map<string, Known[]>();
  const beside = new Map<string, Known[]>();
  const ofNow = (name: string) => {
    const all = known.get(name) ?? [];
    const provider = all.at(-1)?.provider;
    return all.filter((one) => one.provider === provider);
  };
  return {
    /**
     * `isRenumbered`: the provider counts all of them anew, so that another id is not another one. An empty id is of a group
     * whose file does not tell it: it is the one that it was, and will be.
     */
    note(name: string, { provider, id: told, at }: Known, isRenumbered: boolean): void {
      const all = known.get(name) ?? [];
      const before = all.findLast((one) => one.provider === provider);
      const id = told === '' ? (before?.id ?? '') : told;
      if (before?.id === '') for (const one of all) if (one.provider === provider) one.id = id;
      if (before !== undefined && before.id !== id && isRenumbered)
        for (const one of all) if (one.provider === provider && one.id === before.id) one.id = id;
      if (all.at(-1)?.provider !== provider || all.at(-1)?.id !== id) all.push({ provider, id, at });
      known.set(name, all);
    },
    /** As a merged branch tells: whoever gave something then may have meant that one. */
    noteBeside: (name: string, one: Known): unknown => beside.set(name, [...(beside.get(name) ?? []), one]),
    knew: (name: string, provider: string) =>
      known.get(name)?.some((one) => one.provider === provider) === true,
    /** When a login was last given another id by the provider that knows it now; null when never. */
    changedAt(name: string): number | null {
      const all = ofNow(name);
      return all.findLast(({ id }, index) => index > 0 && all[index - 1]?.id !== id)?.at ?? null;
    },
    /** Whether a login is now, by that provider, whose it was at an instant, or when it was first known. */
    isSame(name: string, since: number): boolean {
      const all = ofNow(name);
      const now = all.at(-1);
      const wasBeside = ({ provider, id, at }: Known) =>
        at <= since && provider === now?.provider && id === now.id;
      return (
        (all.findLast(({ at }) => at <= since) ?? all[0])?.id === now?.id ||
        beside.get(name)?.some(wasBeside) === true
      );
    },
  };
}
