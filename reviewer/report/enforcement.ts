import { git } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { inDatabase, passOver, quoted } from '../evidence/database.ts';
import { decisionFiles } from '../evidence/findLogs.ts';

/**
 * When gateways enforced commits, as their records show it: a gateway's first decision by a commit or one after it. It
 * may have loaded it earlier, and never later.
 */
export type Enforcement = {
  /** Gateways that have records, sorted. */
  instances: readonly string[];
  /** Of each gateway, seconds since 1970; null where no record shows it. */
  of(commit: string, at: number): { instance: string; at: number | null }[];
};

const columns = `{ timestamp: 'VARCHAR', instance: 'VARCHAR', decision_id: 'VARCHAR', event: 'VARCHAR',
  bundles: 'STRUCT(grantgate STRUCT(revision VARCHAR))' }`;

/**
 * Reads decision records, each file for itself: one that cannot be read shows nothing. Throws GitError, ReviewError
 * `decisions-unreadable`, `aborted`.
 */
export async function readEnforcement(
  tree: Tree,
  sources: readonly string[],
  { to, signal }: { to: number; signal?: AbortSignal | undefined },
): Promise<Enforcement> {
  const files = await decisionFiles(sources);
  const places = await placesOf(tree);
  const first = new Map<string, { place: number; at: number }[]>();
  if (files.length > 0) {
    await inDatabase('700MB', signal, async (database) => {
      await database.connection.run('CREATE TABLE seen (instance VARCHAR, revision VARCHAR, ms BIGINT)');
      for (const file of files)
        await database.connection
          .run(
            `INSERT INTO seen SELECT instance, bundles.grantgate.revision, min(epoch_ms(TRY_CAST(timestamp AS TIMESTAMPTZ)))
FROM read_json(${quoted(file)}, format = 'newline_delimited', columns = ${columns}, ignore_errors = true)
WHERE decision_id IS NOT NULL AND instance IS NOT NULL AND bundles.grantgate.revision IS NOT NULL GROUP BY ALL`,
          )
          .catch(passOver);
      const rows = await database.read(
        `SELECT instance, revision, min(ms) AS ms FROM seen WHERE ms < ${Math.floor(to * 1000)} GROUP BY ALL ORDER BY ms`,
      );
      for (const { instance, revision, ms } of rows) {
        const name = String(instance);
        if (!first.has(name)) first.set(name, []);
        const place = places.get(String(revision));
        if (place !== undefined) first.get(name)?.push({ place, at: Number(ms) / 1000 });
      }
    });
  }
  const instances = [...first.keys()].sort();
  return {
    instances,
    of(commit, at) {
      const place = places.get(commit);
      return instances.map((instance) => {
        const shown = (first.get(instance) ?? []).filter(
          (one) => place !== undefined && one.place >= place && one.at >= at,
        );
        return { instance, at: shown.length === 0 ? null : Math.min(...shown.map((one) => one.at)) };
      });
    },
  };
}

/** Commit → how many come before it along first parents. */
async function placesOf({ root, revision }: Tree): Promise<ReadonlyMap<string, number>> {
  if (revision === null) return new Map();
  const listing = await git(root, ['rev-list', '--first-parent', '--reverse', revision]);
  return new Map(
    listing
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((commit, index) => [commit, index]),
  );
}
