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
  /** Of the very commit that was merged, by those whose last word before the merge that was. */
  approvals: readonly Approval[];
  /** Of an earlier commit: more was pushed since. */
  earlier: readonly Approval[];
};
type Approval = { login: string; atMs: number };

/** Whom the forge has no account of any more; it calls them so itself. */
const ghost = 'ghost';

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
    author: data.user?.login ?? ghost,
    openedMs: Date.parse(data.created_at),
    mergedMs: Date.parse(data.merged_at),
    mergedBy: data.merged_by?.login ?? ghost,
    ...approvalsOf(reviews, { head: data.head.sha, mergedMs: Date.parse(data.merged_at) }),
  };
}

type Review = {
  user: { login: string } | null;
  state: string;
  submitted_at?: string | undefined;
  commit_id: string | null;
};

/** What was said after the merge approved nothing of it, and a comment takes no word back. */
function approvalsOf(
  reviews: readonly Review[],
  { head, mergedMs }: { head: string; mergedMs: number },
): Pick<ForgeMerge, 'approvals' | 'earlier'> {
  const words = new Map<string, Review & { atMs: number }>();
  for (const review of reviews) {
    const atMs = Date.parse(review.submitted_at ?? '');
    const isWord = review.state !== 'COMMENTED' && review.state !== 'PENDING';
    if (isWord && atMs <= mergedMs) words.set(review.user?.login ?? ghost, { ...review, atMs });
  }
  const given = [...words].filter(([, { state }]) => state === 'APPROVED');
  const of = (isHead: boolean) =>
    given
      .filter(([, { commit_id: commit }]) => (commit === head) === isHead)
      .map(([login, { atMs }]) => ({ login, atMs }));
  return { approvals: of(true), earlier: of(false) };
}
