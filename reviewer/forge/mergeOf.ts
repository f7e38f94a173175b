import type { Octokit } from '@octokit/rest';

/** How a pull request came to be merged; instants in ms since 1970. */
export type ForgeMerge = {
  number: number;
  url: string;
  title: string;
  body: string;
  /** The commit that it became on the base branch; null when the forge does not tell. */
  commit: string | null;
  branch: string;
  labels: readonly string[];
  author: string;
  openedMs: number;
  mergedMs: number;
  mergedBy: string;
  approvals: readonly { login: string; atMs: number }[];
};

/** Reads who opened, approved and merged a pull request; null for one that is not merged. */
export async function mergeOf(
  { rest, paginate }: Pick<Octokit, 'rest' | 'paginate'>,
  asked: { owner: string; repo: string; pull_number: number },
): Promise<ForgeMerge | null> {
  const { data } = await rest.pulls.get(asked);
  if (data.merged_at == null) return null;
  const reviews = await paginate(rest.pulls.listReviews, { ...asked, per_page: 100 });
  return {
    ...{ number: data.number, url: data.html_url, title: data.title, body: data.body ?? '' },
    commit: data.merge_commit_sha,
    branch: data.head.ref,
    labels: data.labels.map(({ name }) => name),
    author: data.user?.login ?? '',
    openedMs: Date.parse(data.created_at),
    mergedMs: Date.parse(data.merged_at),
    mergedBy: data.merged_by?.login ?? '',
    approvals: reviews.flatMap(({ user, state, submitted_at }) =>
      state === 'APPROVED' && submitted_at !== undefined
        ? [{ login: user?.login ?? '', atMs: Date.parse(submitted_at) }]
        : [],
    ),
  };
}
