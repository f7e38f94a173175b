import { z } from 'zod';

export type Forge = 'github' | 'gitlab' | 'gitea' | 'bitbucket';

/** A branch (`refs/heads/…`) or other ref that moved, and where it is now; zeros where it is gone. */
export type Pushed = { ref: string; after: string };

const commit = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const gone = '0'.repeat(40);

/** As GitHub writes it, and after it GitLab and Gitea. */
const one = z.object({ ref: z.string(), after: commit }).transform((push): Pushed[] => [push]);

const branch = z.object({ type: z.string(), name: z.string() });
const cloudRef = (type: string, name: string) =>
  type === 'branch' || type === 'named_branch' ? `refs/heads/${name}` : `refs/tags/${name}`;
const cloud = z
  .object({
    push: z.object({
      changes: z.array(
        z.object({
          new: branch.extend({ target: z.object({ hash: commit }) }).nullable(),
          old: branch.nullish(),
        }),
      ),
    }),
  })
  .transform(({ push }): Pushed[] =>
    push.changes.flatMap(({ new: now, old }) => {
      if (now !== null) return [{ ref: cloudRef(now.type, now.name), after: now.target.hash }];
      return old == null ? [] : [{ ref: cloudRef(old.type, old.name), after: gone }];
    }),
  );

const dataCenter = z
  .object({ changes: z.array(z.object({ ref: z.object({ id: z.string() }), toHash: commit })) })
  .transform(({ changes }): Pushed[] => changes.map(({ ref, toHash }) => ({ ref: ref.id, after: toHash })));

/** What a push event says has moved: Bitbucket tells several refs at once. Null when it is no push event. */
export function pushedBranches(forge: Forge, event: unknown): Pushed[] | null {
  const form = forge === 'bitbucket' ? z.union([cloud, dataCenter]) : one;
  return form.safeParse(event).data ?? null;
}
