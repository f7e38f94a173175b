import { z } from 'zod';
import type { Client } from './client.ts';
import type { ProviderPerson, ProviderRead, ReadProvider, Wanted } from './directory.ts';
import {
  type Account,
  type EntraGroup,
  type EntraObjects,
  type EntraOptions,
  entraObjects,
  width,
} from './entraObjects.ts';
import { inParallel } from './inParallel.ts';
import { type Found, type Links, readEntraChanges } from './readEntraChanges.ts';
import { SyncError } from './syncError.ts';

const id = z.string().min(1);
const state = z.strictObject({
  links: z.strictObject({ users: id, groups: id }),
  accounts: z.array(
    z.strictObject({
      id,
      login: id.nullable(),
      status: z.enum(['active', 'suspended']),
      manager: id.nullable(),
      lastSignIn: z.iso.datetime({ offset: true }).nullable(),
    }),
  ),
  groups: z.array(
    z.strictObject({
      id,
      name: id,
      people: z.array(id),
      groups: z.array(id),
      others: z.int().min(0),
      hidden: z.literal(true).optional(),
    }),
  ),
});

/** Reads Microsoft Entra ID through Graph: whole, or from a state on what changed since. */
export function readEntra(client: Client, options: EntraOptions): ReadProvider {
  const graph = entraObjects(client, options);
  return async (wanted, resume) => {
    if (resume === undefined) return readOf(await readWhole(graph, wanted));
    const before = state.safeParse(resume.state).data;
    const found = before && (await orWhole(resume.say, () => readEntraChanges(graph, before, wanted)));
    if (found) return { ...readOf(found), state: { value: found, whole: false } };
    if (before) resume.say('changes are too many or do not fit: everything is read');
    // Changes are followed from before the read on: what changes meanwhile is told next time, perhaps again.
    const links = await orWhole(resume.say, () => startLinks(graph));
    const whole = await readWhole(graph, wanted);
    return links === null
      ? readOf(whole)
      : { ...readOf(whole), state: { value: { ...whole, links }, whole: true } };
  };
}

async function readWhole(graph: EntraObjects, wanted: Wanted): Promise<Found> {
  const accounts = await graph.accounts();
  const listed = new Map((await graph.groups()).map((one) => [one.id, one]));
  // What is nested in a group that is taken is needed as well, whatever its name is.
  const read = new Map<string, EntraGroup>();
  for (let due = [...listed.values()].filter(({ name }) => wanted(name)); due.length > 0; ) {
    for (const one of await inParallel(due, width, graph.members)) read.set(one.id, one);
    const inner = new Set([...read.values()].flatMap(({ groups }) => groups));
    due = [...listed.values()].filter((one) => inner.has(one.id) && !read.has(one.id));
  }
  return { accounts, groups: [...read.values()] };
}

const startLinks = async (graph: EntraObjects): Promise<Links> => ({
  users: (await graph.changes('users')).link,
  groups: (await graph.changes('groups')).link,
});

/** Of these a whole read would die too. */
const fatal = new Set(['aborted', 'sync-limited', 'sync-failed', 'sync-unreachable', 'sync-unauthorized']);

/** Null where Graph does not let changes be followed: a link has expired, it starts anew, or the tenant cannot. */
async function orWhole<T>(say: (line: string) => void, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SyncError) || fatal.has(error.code)) throw error;
    say(`changes cannot be followed (${error.message})`);
    return null;
  }
}

const isNamed = (account: Account): account is ProviderPerson => account.login !== null;

function readOf({ accounts, groups }: Found): ProviderRead {
  const people = accounts.filter(isNamed);
  const nameless = accounts.length - people.length;
  const others = groups.reduce((sum, group) => sum + group.others, 0);
  return {
    people,
    groups,
    notes: [
      ...(nameless === 0 ? [] : [`${nameless} accounts have no mail and were left out`]),
      ...(others === 0
        ? []
        : [`${others} members of groups are devices, contacts or applications and were left out`]),
    ],
  };
}
