// Microsoft Graph. Sharp edges: `signInActivity` needs a premium licence and caps a page at 500; a member may be a device or
// a service principal; display names of groups are not unique; a next page is a whole address, good for the same host.
import { z } from 'zod';
import type { Answer, Client } from './client.ts';
import type { ProviderGroup, ReadProvider } from './directory.ts';
import { inParallel, readAll } from './pages.ts';
import type { ProviderConfigOf } from './syncConfig.ts';
import { SyncError } from './syncError.ts';

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
const group = z.object({ id: z.string().min(1), displayName: z.string().min(1) });
const member = z.object({ id: z.string().min(1), '@odata.type': z.string() });

const page = <T>(item: z.ZodType<T>) =>
  z
    .object({ value: z.array(item), '@odata.nextLink': z.string().optional() })
    .transform(({ value }) => value);

const link = z.object({ '@odata.nextLink': z.string().optional() });
const next = ({ body }: Answer): string | null => link.parse(body)['@odata.nextLink'] ?? null;

const width = 8;

type Options = Pick<ProviderConfigOf<'entra'>, 'login' | 'sign_in'>;

export function readEntra(client: Client, { login, sign_in: withSignIn }: Options): ReadProvider {
  const all = <T extends { id: string }>(path: string, schema: z.ZodType<T>) =>
    readAll(client, path, { items: page(schema), next }, ({ id }) => id);
  const fields = `id,userPrincipalName,mail,accountEnabled${withSignIn ? ',signInActivity' : ''}`;

  const users = async () => {
    try {
      return await all(
        `/v1.0/users?$select=${fields}&$expand=manager($select=id)&$top=${withSignIn ? 500 : 999}`,
        user,
      );
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'sync-forbidden' || !withSignIn) throw error;
      throw new SyncError(
        'sync-forbidden',
        `${error.message}; if only the last sign-in is forbidden (AuditLog.Read.All and a premium licence), set sign_in: false`,
        { cause: error },
      );
    }
  };

  return async (wanted) => {
    const found = await users();
    const nameless = found.filter((one) => login === 'mail' && !one.mail);
    const listed = new Map(
      (await all('/v1.0/groups?$select=id,displayName&$top=999', group)).map((one) => [one.id, one]),
    );
    let others = 0;
    const membersOf = async ({ id, displayName }: z.output<typeof group>) => {
      const members = await all(`/v1.0/groups/${encodeURIComponent(id)}/members?$select=id&$top=999`, member);
      const of = (type: string) =>
        members.filter((one) => one['@odata.type'] === `#microsoft.graph.${type}`).map((one) => one.id);
      const [people, groups] = [of('user'), of('group')];
      others += members.length - people.length - groups.length;
      return { id, name: displayName, people, groups };
    };
    // What is nested in a group that is taken is needed as well, whatever its name is.
    const read = new Map<string, ProviderGroup>();
    for (let due = [...listed.values()].filter(({ displayName }) => wanted(displayName)); due.length > 0; ) {
      for (const one of await inParallel(due, width, membersOf)) read.set(one.id, one);
      const inner = new Set([...read.values()].flatMap(({ groups }) => groups));
      due = [...listed.values()].filter(({ id }) => inner.has(id) && !read.has(id));
    }
    return {
      people: found
        .filter((one) => login !== 'mail' || Boolean(one.mail))
        .map((one) => ({
          id: one.id,
          login: login === 'mail' ? (one.mail ?? '') : one.userPrincipalName,
          // Graph knows enabled and not; what is deleted is not listed at all.
          status: one.accountEnabled ? 'active' : 'suspended',
          manager: one.manager?.id ?? null,
          lastSignIn:
            one.signInActivity?.lastSuccessfulSignInDateTime ??
            one.signInActivity?.lastSignInDateTime ??
            null,
        })),
      groups: [...read.values()],
      notes: [
        ...(nameless.length === 0 ? [] : [`${nameless.length} accounts have no mail and were left out`]),
        ...(others === 0
          ? []
          : [`${others} members of groups are devices, contacts or applications and were left out`]),
      ],
    };
  };
}
