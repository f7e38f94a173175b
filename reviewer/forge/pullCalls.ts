import { belongsTo } from './belongsTo.ts';
import { once, type RepositoryClient } from './client.ts';
import type { Forge } from './contract.ts';
import { ForgeError } from './forgeError.ts';
import { lastWords } from './lastWords.ts';
import { lastWritten } from './lastWritten.ts';
import { mayWrite } from './mayWrite.ts';
import { mergeOf } from './mergeOf.ts';
import { type ForgePull, isWithin, pullOf, type RawPull } from './rawPull.ts';

type PullCalls = Pick<
  Forge,
  | 'listPulls'
  | 'findOpen'
  | 'getPull'
  | 'createPull'
  | 'updatePull'
  | 'mergePull'
  | 'mergeOf'
  | 'mergedAs'
  | 'isApproved'
  | 'requestReviewers'
>;

/** What is asked of a forge about pull requests. */
export function pullCalls(client: RepositoryClient): PullCalls {
  const { octokit, call, repository, root, base } = client;
  const path = `${root}/pulls`;
  const slug = `${repository.owner}/${repository.repo}`;
  /** With whose text each has; nothing is asked of those that hold no mark of ours. */
  const written = async (pulls: readonly RawPull[]): Promise<ForgePull[]> => {
    const marked = pulls.filter(({ body }) => body?.includes(mark)).map(({ number }) => number);
    const known = marked.length === 0 ? null : await lastWritten(client, marked);
    const me = known === null ? null : await client.ourselves();
    return pulls.map((pull) => {
      const last = known?.get(pull.number);
      if (last === undefined) return { ...pullOf(pull), reopenedMs: null, isOurs: false };
      // As it stands where it is told whose it is: between two answers somebody may change it.
      const { body, reopenedMs, by } = last;
      return { ...pullOf(pull), body, reopenedMs, isOurs: by === me };
    });
  };
  const writtenOne = async (pull: RawPull): Promise<ForgePull> => {
    const [one] = await written([pull]);
    return one ?? { ...pullOf(pull), reopenedMs: null, isOurs: false };
  };
  return {
    async listPulls(prefix, sinceMs) {
      // A fork may name its branch as it likes.
      const ours = (pull: RawPull) => pull.head.ref.startsWith(prefix) && isWithin(pull, slug);
      const isOfBase = belongsTo(client);
      const listed = await call(`GET ${path}`, async () => {
        const found: (RawPull & { merge_commit_sha?: string | null })[] = [];
        const open = { ...repository, base, state: 'open', per_page: 100 } as const;
        for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, open))
          found.push(...data);
        const closed = { ...repository, per_page: 100, state: 'closed', sort: 'updated' } as const;
        for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, {
          ...closed,
          direction: 'desc',
        })) {
          found.push(...data);
          const oldest = data.at(-1);
          if (oldest === undefined || Date.parse(oldest.updated_at) < sinceMs) break;
        }
        // What was closed between the two is in both: the later word counts.
        return [...new Map(found.filter(ours).map((pull) => [pull.number, pull])).values()];
      });
      const pulls: typeof listed = [];
      for (const pull of listed) if (await isOfBase(pull)) pulls.push(pull);
      return written(pulls);
    },
    async findOpen(branch) {
      return call(`GET ${path}`, async () => {
        const { data } = await octokit.rest.pulls.list({
          ...repository,
          base,
          state: 'open',
          head: `${repository.owner}:${branch}`,
        });
        // `head` names an owner, who may have a fork as well.
        const found = data.find((pull) => pull.head.ref === branch && isWithin(pull, slug));
        return found ?? null;
      }).then((found) => (found === null ? null : writtenOne(found)));
    },
    async getPull(number) {
      return writtenOne(
        await call(
          `GET ${path}/${number}`,
          async () => (await octokit.rest.pulls.get({ ...repository, pull_number: number })).data,
        ),
      );
    },
    async createPull(branch, texts, draft = false) {
      return call(`POST ${path}`, async () => {
        const wanted = { ...repository, base, head: branch, ...texts, ...(draft && { draft }) };
        const { data } = await octokit.rest.pulls.create(wanted);
        return { ...pullOf(data), reopenedMs: null, isOurs: same(data.body ?? '', texts.body) };
      });
    },
    async updatePull(number, change) {
      return call(`PATCH ${path}/${number}`, async () => {
        const { data } = await octokit.rest.pulls.update({ ...repository, pull_number: number, ...change });
        const isOurs = change.body !== undefined && same(data.body ?? '', change.body);
        return { ...pullOf(data), reopenedMs: null, isOurs };
      });
    },
    async mergePull(number, commit) {
      return call(`PUT ${path}/${number}/merge`, async () => {
        const { data } = await octokit.rest.pulls.merge({
          ...{ ...repository, pull_number: number, ...once },
          ...(commit !== undefined && { sha: commit }),
        });
        return data.merged;
      }).catch((error: unknown) => {
        // 405 and 409 are GitHub's words for "not yet"; 422 for a head that has moved.
        if (error instanceof ForgeError && [405, 409, 422].includes(error.status ?? 0)) return false;
        throw error;
      });
    },
    mergeOf: (number) =>
      call(`GET ${path}/${number}`, () => mergeOf(octokit, { ...repository, pull_number: number })).catch(
        (error: unknown) => {
          if (error instanceof ForgeError && error.code === 'forge-not-found') return null;
          throw error;
        },
      ),
    async mergedAs(commit) {
      const merged = await call(`GET ${root}/commits/${commit}/pulls`, async () => {
        const asked = { ...repository, commit_sha: commit, per_page: 100 };
        const { data } = await octokit.rest.repos.listPullRequestsAssociatedWithCommit(asked);
        return data.filter((pull) => pull.merged_at !== null);
      }).catch((error: unknown) => {
        // 422: a commit that the forge does not have.
        if (error instanceof ForgeError && [404, 422].includes(error.status ?? 0)) return [];
        throw error;
      });
      // A branch may have been brought along by another one: what became this very commit is meant first.
      const found =
        merged.find((pull) => pull.merge_commit_sha === commit) ??
        merged.find((pull) => pull.base.ref === base);
      if (found !== undefined) return found.number;
      const isOfBase = belongsTo(client);
      for (const pull of merged) if (await isOfBase(pull)) return pull.number;
      return null;
    },
    async isApproved(number, answers = () => false) {
      const reviews = await call(`GET ${path}/${number}/reviews`, () =>
        octokit.paginate(octokit.rest.pulls.listReviews, {
          ...repository,
          pull_number: number,
          per_page: 100,
        }),
      );
      const said = [...lastWords(reviews)];
      const counts = async (wanted: string) => {
        for (const [login, { state }] of said)
          if (state === wanted && (answers(login) || (await mayWriteMaybe(client, login)))) return true;
        return false;
      };
      return (await counts('APPROVED')) && !(await counts('CHANGES_REQUESTED'));
    },
    async requestReviewers(number, { people, teams }) {
      await call(`POST ${path}/${number}/requested_reviewers`, () =>
        octokit.rest.pulls.requestReviewers({
          ...repository,
          pull_number: number,
          reviewers: [...people],
          team_reviewers: [...teams],
        }),
      );
    },
  };
}

/** Stands in each text that is remembered by. */
const mark = '<!-- grantgate:';
/** Forges may keep line ends otherwise. */
const plain = (text: string) => text.replaceAll('\r\n', '\n');
const same = (one: string, other: string) => plain(one) === plain(other);

/** Of a token that may not ask, whoever reviews may be one who may push: what they have read stays as it is. */
const mayWriteMaybe = (client: RepositoryClient, login: string): Promise<boolean> =>
  mayWrite(client, login).catch((error: unknown) => {
    if (error instanceof ForgeError && error.code === 'forge-forbidden') return true;
    throw error;
  });
