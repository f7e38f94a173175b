// SCIM 2.0 (RFC 7644). Its pages are counted from a start, so that a change between two of them can hide somebody: what
// was read is counted against `totalResults`, and read anew when it does not come out.
import { z } from 'zod';
import type { Client } from './client.ts';
import type { ReadProvider } from './directory.ts';
import { checked } from './pages.ts';
import { SyncError } from './syncError.ts';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const user = z.object({
  id: z.string().min(1),
  userName: z.string(),
  active: z.boolean().default(true),
  [enterprise]: z.object({ manager: z.object({ value: z.string().nullish() }).nullish() }).nullish(),
});
const group = z.object({
  id: z.string().min(1),
  displayName: z.string().min(1),
  members: z
    .array(z.object({ value: z.string().min(1), type: z.string().nullish(), $ref: z.string().nullish() }))
    .nullish(),
});

const pageSize = 100;
const tries = 3;

/** Reads all Users and Groups below `base` (RFC 7644, section 3.4.2). Throws SyncError, also when no read comes out whole. */
export function readScim(client: Client, base: string): ReadProvider {
  /** All resources of a kind, each once; null when the count does not come out. */
  const pass = async <T extends { id: string }>(kind: string, schema: z.ZodType<T>): Promise<T[] | null> => {
    const list = z.object({ totalResults: z.int().min(0), Resources: z.array(schema).default([]) });
    const found = new Map<string, T>();
    let total = 0;
    for (let start = 1; ; ) {
      const url = `${base}/${kind}?startIndex=${start}&count=${pageSize}`;
      const { totalResults, Resources } = checked(list, (await client.get(url)).body, url);
      if (start > 1 && totalResults !== total) return null;
      total = totalResults;
      for (const one of Resources) found.set(one.id, one);
      start += Resources.length;
      if (start > total || Resources.length === 0) return found.size === total ? [...found.values()] : null;
    }
  };
  const all = async <T extends { id: string }>(kind: string, schema: z.ZodType<T>): Promise<T[]> => {
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const found = await pass(kind, schema);
      if (found !== null) return found;
    }
    throw new SyncError(
      'sync-incomplete',
      `${base}/${kind} changed under each of ${tries} reads, or tells another total than it lists`,
    );
  };
  return async () => {
    const people = await all('Users', user);
    // Members come with each group, so there is nothing to save by leaving some out here.
    const groups = await all('Groups', group);
    const isGroup = ({
      type,
      $ref,
    }: {
      type?: string | null | undefined;
      $ref?: string | null | undefined;
    }) => type?.toLowerCase() === 'group' || /\/Groups\/[^/]+$/.test($ref ?? '');
    return {
      people: people.map((one) => ({
        id: one.id,
        login: one.userName,
        status: one.active ? 'active' : 'suspended',
        manager: one[enterprise]?.manager?.value ?? null,
        lastSignIn: null,
      })),
      groups: groups.map(({ id, displayName, members }) => ({
        id,
        name: displayName,
        people: (members ?? []).filter((one) => !isGroup(one)).map(({ value }) => value),
        groups: (members ?? []).filter(isGroup).map(({ value }) => value),
      })),
      notes: [],
    };
  };
}
