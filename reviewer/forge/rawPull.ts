import { ghost } from './lastWords.ts';

/** A pull request as far as the review needs it. */
export type ForgePull = {
  number: number;
  url: string;
  title: string;
  body: string;
  state: 'open' | 'closed';
  merged: boolean;
  draft: boolean;
  /** Who opened it. */
  author: string;
  branch: string;
  /** The commit of the branch; for a closed one as it was then. */
  head: string;
  labels: readonly string[];
  /** Milliseconds since 1970. */
  createdMs: number;
  closedMs: number | null;
  /** When it was opened again last; null for one that never was, and of whose text nothing is ours. */
  reopenedMs: number | null;
  /**
   * Its text is as we wrote it: nobody else has changed it since. Whoever may push, and some who may not, can write into a
   * text whatever they like, so nothing is believed that another one says.
   */
  isOurs: boolean;
};

/** What GitHub's list and its single pull request have in common. */
export type RawPull = {
  number: number;
  html_url: string;
  title: string;
  body: string | null;
  state: string;
  draft?: boolean | undefined;
  merged_at?: string | null;
  created_at: string;
  updated_at: string;
  closed_at: string | null;
  user: { login: string } | null;
  labels?: readonly { name?: string }[];
  head: { ref: string; sha?: string; repo: { full_name: string } | null };
  base: { ref: string; repo?: { full_name: string } };
};

/**
 * Whether its branch is in the repository that it is to be merged into, and not in a fork or one that is gone. Either may
 * be called otherwise than it was when `slug` was configured: a repository keeps answering to its former names.
 */
export const isWithin = ({ head, base }: Pick<RawPull, 'head' | 'base'>, slug: string): boolean =>
  head.repo?.full_name.toLowerCase() === (base.repo?.full_name ?? slug).toLowerCase();

/** A pull request as we speak of it, from what GitHub gives in a list or for one, but for whose text it is. */
export function pullOf(pull: RawPull): Omit<ForgePull, 'isOurs' | 'reopenedMs'> {
  return {
    number: pull.number,
    url: pull.html_url,
    title: pull.title,
    body: pull.body ?? '',
    state: pull.state === 'open' ? 'open' : 'closed',
    merged: pull.merged_at != null,
    draft: pull.draft === true,
    author: pull.user?.login ?? ghost,
    branch: pull.head.ref,
    head: pull.head.sha ?? '',
    labels: (pull.labels ?? []).map(({ name }) => name ?? ''),
    createdMs: Date.parse(pull.created_at),
    closedMs: pull.closed_at === null ? null : Date.parse(pull.closed_at),
  };
}
