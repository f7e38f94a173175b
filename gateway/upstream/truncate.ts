/** What of a list an upstream is told. */
export type TruncatedList = { readonly names: readonly string[]; readonly isWhole: boolean };

/**
 * The names that fit: the first, in their order, which take no more than `mostLetters` with a comma behind each. Servers
 * refuse requests whose headers are too long (8 to 16 KiB are usual): a caller with thousands of grants, or in hundreds
 * of groups, would reach no upstream at all.
 */
export function truncate(names: readonly string[], mostLetters: number): TruncatedList {
  let letters = 0;
  for (let at = 0; at < names.length; at += 1) {
    letters += (names[at]?.length ?? 0) + 1;
    if (letters > mostLetters) return { names: names.slice(0, at), isWhole: false };
  }
  return { names, isWhole: true };
}

/** Letters of the lists that say who calls; groups may decide something at the upstream, grants only tell. */
export const mostLetters = { groups: 4096, grants: 2048 } as const;

/** Which of the lists are not whole, as `x-grantgate-truncated` and the assertion name them. */
export const truncatedLists = (groups: TruncatedList, grants: TruncatedList): string[] => [
  ...(groups.isWhole ? [] : ['groups']),
  ...(grants.isWhole ? [] : ['grants']),
];
