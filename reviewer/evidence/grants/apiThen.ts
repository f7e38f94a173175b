import { authenticationMethods } from '../../../bundle/grants/credentials.ts';
import { readApi } from '../../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../../bundle/grants/schema.ts';

/** What a grant covered by an API as it was then. */
export const coversOf = ({ role, operations }: GrantEntry, { roles, open }: ApiThen): readonly string[] =>
  (operations ?? roles.get(role ?? '') ?? []).filter((operation) => !open.has(operation));

/**
 * What an API said that grants rest on: role → operations, those that anybody might call, which no grant is used for, and
 * how callers may prove who they are.
 */
export function readApiThen(bytes: Buffer) {
  const { value } = readApi(bytes, '');
  if (value === undefined) return null;
  const expand = (name: string, above: readonly string[]): string[] =>
    (value.roles[name] ?? []).flatMap((item) => {
      if (!Object.hasOwn(value.roles, item)) return [item];
      return above.includes(item) ? [] : expand(item, [...above, item]);
    });
  const exceptions = Object.entries(value.exceptions ?? {});
  return {
    roles: new Map(Object.keys(value.roles).map((name) => [name, expand(name, [name])])),
    open: new Set(exceptions.flatMap(([operation, one]) => (one.public ? [operation] : []))),
    methods: value.authentication ?? authenticationMethods,
  };
}
export type ApiThen = NonNullable<ReturnType<typeof readApiThen>>;
export const noApi: ApiThen = { roles: new Map(), open: new Set(), methods: [] };
