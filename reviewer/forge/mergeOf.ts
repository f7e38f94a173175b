import type { Octokit } from '@octokit/rest';
import { ghost, lastWords } from './lastWords.ts';

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

/** What was said after the merge approved nothing of it. */
function approvalsOf(
  reviews: readonly Review[],
  { head, mergedMs }: { head: string; mergedMs: number },
): Pick<ForgeMerge, 'approvals' | 'earlier'> {
  const atMs = ({ submitted_at: at }: Review) => Date.parse(at ?? '');
  const given = [...lastWords(reviews.filter((review) => atMs(review) <= mergedMs))].filter(
    ([, { state }]) => state === 'APPROVED',
  );
  const of = (isHead: boolean) =>
    given
      .filter(([, { commit_id: commit }]) => (commit === head) === isHead)
      .map(([login, review]) => ({ login, atMs: atMs(review) }));
  return { approvals: of(true), earlier: of(false) };
}
