// Requests to Microsoft Graph. Sharp edges: `signInActivity` needs a premium licence and caps a page at 500; a member may
// be a device or a service principal; display names of groups are not unique; a next page is a whole address, good for the
// same host; delta takes neither $expand nor $top, tells nothing of sign-ins, and may tell the same thing twice.
import { z } from 'zod';
import type { Answer, Client } from './client.ts';
import type { ProviderGroup, ProviderPerson } from './directory.ts';
import { checked, eachPage, readAll } from './pages.ts';
import type { ProviderConfigOf } from './syncConfig.ts';
import { SyncError } from './syncError.ts';

/** A user; without a login where the configuration asks for one that it has not. */
export type Account = Omit<ProviderPerson, 'login'> & { login: string | null };
export type NamedGroup = Pick<ProviderGroup, 'id' | 'name'> & {
  /** Its members are told only to who may read hidden ones; to others it seems to have none. */
  hidden?: true | undefined;
};
/** A group that was read; `others` counts members that are neither people nor groups. */
export type EntraGroup = ProviderGroup & NamedGroup & { others: number };
export type ObjectKind = 'users' | 'groups';
/** Which objects are otherwise than they were, those that are said to be gone in `removed` too; and where to go on. */
export type Changes = { ids: ReadonlySet<string>; removed: ReadonlySet<string>; link: string };

/** So many requests are under way at once. */
export const width = 8;

const user = z.object({
  id: z.string().min(1),
  userPrincipalName: z.string().min(1),
  mail: z.string().nullish(),
  accountEnabled: z.boolean(),
  manager: z.object({ id: z.string().min(1) }).nullish(),
  signInActivity: z
    .object({
      lastSignInDateTime: z.iso.datetime({ offset: true }).nullish(),
      lastSuccessfulSignInDateTime: z.iso.datetime({ offset: true }).nullish(),
    })
    .nullish(),
});
const group = z
  .object({ id: z.string().min(1), displayName: z.string().min(1), visibility: z.string().nullish() })
  .transform(
    ({ id, displayName, visibility }): NamedGroup => ({
      ...{ id, name: displayName },
      ...(visibility?.toLowerCase() === 'hiddenmembership' && { hidden: true }),
    }),
  );
const groupFields = '$select=id,displayName,visibility';
const member = z.object({ id: z.string().min(1), '@odata.type': z.string() });
const named = z.object({ id: z.string().min(1) });
const changed = z.object({ id: z.string().min(1), '@removed': z.object({}).nullish() });

const page = <T>(item: z.ZodType<T>) =>
  z
    .object({ value: z.array(item), '@odata.nextLink': z.string().optional() })
    .transform(({ value }) => value);

const links = z.object({
  '@odata.nextLink': z.string().min(1).optional(),
  '@odata.deltaLink': z.string().min(1).optional(),
});
const next = ({ body }: Answer): string | null => links.parse(body)['@odata.nextLink'] ?? null;

/** What is tracked. Members are told with the group, managers with the person. */
const tracked: Readonly<Record<ObjectKind, string>> = {
  users: 'id,userPrincipalName,mail,accountEnabled,manager',
  groups: 'id,displayName,members',
};

export type EntraOptions = Pick<ProviderConfigOf<'entra'>, 'login' | 'sign_in'>;
export type EntraObjects = ReturnType<typeof entraObjects>;

/**
 * Asks Graph for users and groups, by their ids. One that is not there is null, and so is a login that somebody lacks; all
 * else that is not as documented throws SyncError.
 */
export function entraObjects(client: Client, { login, sign_in: withSignIn }: EntraOptions) {
  const all = <T extends { id: string }>(path: string, schema: z.ZodType<T>) =>
    readAll(client, path, { items: page(schema), next }, ({ id }) => id);
  const fields = `$select=id,userPrincipalName,mail,accountEnabled${withSignIn ? ',signInActivity' : ''}&$expand=manager($select=id)`;
  const accountOf = (one: z.output<typeof user>): Account => ({
    id: one.id,
    login: login === 'mail' ? one.mail || null : one.userPrincipalName,
    // Graph knows enabled and not; what is deleted is not listed at all.
    status: one.accountEnabled ? 'active' : 'suspended',
    manager: one.manager?.id ?? null,
    lastSignIn:
      one.signInActivity?.lastSuccessfulSignInDateTime ?? one.signInActivity?.lastSignInDateTime ?? null,
  });
  /** One object; null when there is none. */
  const one = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
    try {
      return checked(schema, (await client.get(path)).body, path);
    } catch (error) {
      if (error instanceof SyncError && error.code === 'sync-not-found') return null;
      throw error;
    }
  };
  const at = (kind: ObjectKind, id: string) => `/v1.0/${kind}/${encodeURIComponent(id)}`;

  return {
    async accounts(): Promise<Account[]> {
      try {
        return (await all(`/v1.0/users?${fields}&$top=${withSignIn ? 500 : 999}`, user)).map(accountOf);
      } catch (error) {
        if (!(error instanceof SyncError) || error.code !== 'sync-forbidden' || !withSignIn) throw error;
        throw new SyncError(
          'sync-forbidden',
          `${error.message}; if only the last sign-in is forbidden (AuditLog.Read.All and a premium licence), set sign_in: false`,
          { cause: error },
        );
      }
    },
    async account(id: string): Promise<Account | null> {
      const found = await one(`${at('users', id)}?${fields}`, user);
      return found && accountOf(found);
    },
    groups: (): Promise<NamedGroup[]> => all(`/v1.0/groups?${groupFields}&$top=999`, group),
    group: (id: string): Promise<NamedGroup | null> => one(`${at('groups', id)}?${groupFields}`, group),
    async members({ id, name, hidden }: NamedGroup): Promise<EntraGroup> {
      const members = await all(`${at('groups', id)}/members?$select=id&$top=999`, member);
      if (hidden === true && members.length === 0)
        throw new SyncError(
          'sync-forbidden',
          `the group ${JSON.stringify(name)} hides its members: grant Member.Read.Hidden, or exclude it; without, it seems to have none`,
        );
      const of = (type: string) =>
        members.filter((one) => one['@odata.type'] === `#microsoft.graph.${type}`).map((one) => one.id);
      const [people, groups] = [of('user'), of('group')];
      const others = members.length - people.length - groups.length;
      return { id, name, people, groups, others, ...(hidden && { hidden }) };
    },
    /** What lists somebody or a group among its members. */
    async groupsWith(kind: ObjectKind, id: string): Promise<string[]> {
      return (await all(`${at(kind, id)}/memberOf?$select=id&$top=999`, named)).map((one) => one.id);
    },
    /** What changed since a link; without one, all that is there now. */
    async changes(kind: ObjectKind, since?: string): Promise<Changes> {
      const first = since ?? `/v1.0/${kind}/delta?$select=${tracked[kind]}`;
      let link: string | null = null;
      const forward = ({ body }: Answer): string | null => {
        const { '@odata.nextLink': more, '@odata.deltaLink': end } = checked(links, body, first);
        if ((more === undefined) === (end === undefined))
          throw new SyncError('sync-answer', `/v1.0/${kind}/delta: a page leads neither on nor to an end`);
        link = end ?? null;
        return more ?? null;
      };
      const [ids, removed] = [new Set<string>(), new Set<string>()];
      for await (const items of eachPage(client, first, { items: page(changed), next: forward }))
        for (const item of items) {
          ids.add(item.id);
          if (item['@removed']) removed.add(item.id);
        }
      return { ids, removed, link: link ?? '' };
    },
  };
}
