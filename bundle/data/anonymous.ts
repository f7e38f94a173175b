import type { GrantLine } from './grantLine.ts';

/** Who calls a public operation, whatever they bring along. No file can name it: every principal of theirs has a kind. */
export const anonymous = 'anonymous';

/** What data.json says of an API's public operations: a grant of its own, whose id no grant of a file can have. */
export const publicGrant = (api: string, operations: readonly string[]): GrantLine => ({
  id: `public:${api}`,
  operations,
});
