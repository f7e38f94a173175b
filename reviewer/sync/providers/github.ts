// GitHub's organisation members and teams. A team's list of members holds those of its child teams already.
import { z } from 'zod';
import type { Client } from './client.ts';
import type { ReadProvider } from './directory.ts';
import { inParallel } from './inParallel.ts';
import { nextLink, readAll } from './pages.ts';

const user = z.object({ id: z.int(), login: z.string().min(1) });
const team = z.object({ id: z.int(), slug: z.string().min(1) });

const width = 4;

/** `base` is the API's path: empty on github.com, `/api/v3` on Enterprise Server. */
export function readGithub(client: Client, base: string, organisation: string): ReadProvider {
  const all = <T extends { id: number }>(path: string, schema: z.ZodType<T>) =>
    readAll(client, `${base}${path}?per_page=100`, { items: z.array(schema), next: nextLink }, ({ id }) =>
      String(id),
    );
  const org = `/orgs/${encodeURIComponent(organisation)}`;
  return async (wanted) => {
    const people = await all(`${org}/members`, user);
    const teams = (await all(`${org}/teams`, team)).filter(({ slug }) => wanted(slug));
    return {
      people: people.map(({ id, login }) => ({
        id: String(id),
        login,
        status: 'active',
        manager: null,
        lastSignIn: null,
      })),
      groups: await inParallel(teams, width, async ({ id, slug }) => ({
        id: String(id),
        name: slug,
        people: (await all(`${org}/teams/${encodeURIComponent(slug)}/members`, user)).map((one) =>
          String(one.id),
        ),
        groups: [],
      })),
      notes: [],
    };
  };
}
