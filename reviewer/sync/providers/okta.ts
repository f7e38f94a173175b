// Okta's Users and Groups APIs. Sharp edges: the list of users leaves out deprovisioned ones unless they are asked for;
// a next page is told by `Link` only; the rate is told in seconds since 1970, without `Retry-After`.
import { z } from 'zod';
import type { Client } from './client.ts';
import type { ProviderPerson, ReadProvider } from './directory.ts';
import { inParallel } from './inParallel.ts';
import { nextLink, readAll } from './pages.ts';

const user = z
  .object({
    id: z.string().min(1),
    status: z.enum([
      'ACTIVE',
      'DEPROVISIONED',
      'LOCKED_OUT',
      'PASSWORD_EXPIRED',
      'PROVISIONED',
      'RECOVERY',
      'STAGED',
      'SUSPENDED',
    ]),
    lastLogin: z.iso.datetime({ offset: true }).nullish(),
    profile: z.object({ login: z.string(), managerId: z.string().nullish() }),
  })
  .transform(
    ({ id, status, lastLogin, profile }): ProviderPerson => ({
      id,
      login: profile.login,
      status: statusOf(status),
      manager: profile.managerId || null,
      lastSignIn: lastLogin ?? null,
    }),
  );
const group = z.object({ id: z.string().min(1), profile: z.object({ name: z.string().min(1) }) });
const member = z.object({ id: z.string().min(1) });

/** Locked, expired and not yet activated accounts come back by themselves or by their person: they are no leavers. */
const statusOf = (status: string): ProviderPerson['status'] =>
  status === 'DEPROVISIONED' ? 'deprovisioned' : status === 'SUSPENDED' ? 'suspended' : 'active';

const width = 8;

/** Reads all people, also those who were deprovisioned, and the members of all groups; https://developer.okta.com/docs/api/. Throws SyncError. */
export function readOkta(client: Client): ReadProvider {
  const all = <T extends { id: string }>(path: string, schema: z.ZodType<T>) =>
    readAll(client, path, { items: z.array(schema), next: nextLink }, ({ id }) => id);
  return async (wanted) => {
    const [current, former] = [
      await all('/api/v1/users?limit=200', user),
      await all(`/api/v1/users?limit=200&filter=${encodeURIComponent('status eq "DEPROVISIONED"')}`, user),
    ];
    // Who was deprovisioned between the two reads is in both: the later word counts.
    const people = new Map([...current, ...former].map((one) => [one.id, one]));
    const groups = (await all('/api/v1/groups?limit=200', group)).filter(({ profile }) =>
      wanted(profile.name),
    );
    return {
      people: [...people.values()],
      groups: await inParallel(groups, width, async ({ id, profile }) => ({
        id,
        name: profile.name,
        // The same text as the person's, not one for each membership.
        people: (await all(`/api/v1/groups/${encodeURIComponent(id)}/users?limit=200`, member)).map(
          (one) => people.get(one.id)?.id ?? one.id,
        ),
        groups: [],
      })),
      notes: [],
    };
  };
}
