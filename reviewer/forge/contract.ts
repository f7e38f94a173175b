import type { ForgeMerge } from './mergeOf.ts';
import type { ForgePull } from './rawPull.ts';

type Texts = { title: string; body: string };

/** What is said beside a commit; `context` is whose word it is, and a later one of the same context replaces it. */
export type CommitStatus = {
  context: string;
  state: 'success' | 'pending' | 'failure';
  /** 140 characters at most. */
  description: string;
};

export type ForgeIssue = {
  number: number;
  url: string;
  body: string;
  state: 'open' | 'closed';
  author: string;
};
/** What somebody said of a pull request; `atMs`: ms since 1970, `key`: of all of them, one. */
export type ForgeComment = {
  id: number;
  /** On the pull request, with a review, or beside a line of the diff. */
  kind: 'comment' | 'review' | 'review-comment';
  key: string;
  author: string;
  /** A program wrote it. */
  isBot: boolean;
  /** Changed since it was said, by its author or by whoever may push; `unknown`: of this one nobody tells. */
  isEdited: boolean | 'unknown';
  /** We wrote it, and it is as it was written: anybody may write what looks like ours, or change it. */
  isOurs: boolean;
  body: string;
  atMs: number;
};
/** Reviews take no reactions. */
export type Reactable = { id: number; kind: Exclude<ForgeComment['kind'], 'review'> };
export type Reviewers = { people: readonly string[]; teams: readonly string[] };

/** The calls the review makes. Each throws ForgeError, or ReviewError `aborted`. */
export type Forge = {
  slug: string;
  base: string;
  folder: string;
  cloneUrl: string;
  timeoutMs: number;
  /** The token for Git. */
  token(): Promise<string>;
  /** Pull requests against the base branch, whatever it was called then, from branches of this very repository with the prefix: all open ones, and those closed since `sinceMs`. */
  listPulls(prefix: string, sinceMs: number): Promise<ForgePull[]>;
  findOpen(branch: string): Promise<ForgePull | null>;
  getPull(number: number): Promise<ForgePull>;
  createPull(branch: string, texts: Texts, draft?: boolean): Promise<ForgePull>;
  updatePull(number: number, change: Partial<Texts> & { state?: 'open' | 'closed' }): Promise<ForgePull>;
  /**
   * Merges a pull request; false when the forge does not let it (checks, reviews, a conflict), or its head is no longer
   * `commit`.
   */
  mergePull(number: number, commit?: string): Promise<boolean>;
  /** Who opened, approved and merged it; null for one that is not merged, or not there. */
  mergeOf(number: number): Promise<ForgeMerge | null>;
  /** The merged pull request that brought a commit onto the base branch, however it was merged; null where there is none. */
  mergedAs(commit: string): Promise<number | null>;
  /**
   * Whether somebody has approved it, and nobody asks for changes. Where a repository is public anybody may say either: it
   * counts of those who may push, and of those who answer for what it is about.
   */
  isApproved(number: number, answers?: (login: string) => boolean): Promise<boolean>;
  requestReviewers(number: number, reviewers: Reviewers): Promise<void>;
  /** Puts labels on a pull request or issue; unknown ones are made. */
  addLabels(number: number, labels: readonly string[]): Promise<void>;
  /** Comments, the texts of reviews, and what stands beside lines, oldest first. */
  comments(number: number): Promise<ForgeComment[]>;
  comment(number: number, body: string): Promise<void>;
  react(comment: Reactable, content: '+1' | '-1' | 'eyes' | 'confused' | 'rocket'): Promise<void>;
  /** An issue, when it was opened in ms since 1970, and whether its text is its author's still. */
  issue(number: number): Promise<ForgeIssue & { createdMs: number; isTheirs: boolean }>;
  /** What the forge calls whoever the token is of, or whom the target names in its place; an App's ends in `[bot]`. */
  whoAmI(): Promise<string>;
  /** Issues with a label, open and closed, newest first. */
  issues(label: string): Promise<ForgeIssue[]>;
  createIssue(texts: Texts & { labels: string[] }): Promise<ForgeIssue>;
  updateIssue(number: number, change: Partial<Texts> & { state?: 'open' | 'closed' }): Promise<void>;
  /** Whether somebody may push to the repository. */
  mayWrite(login: string): Promise<boolean>;
  /** Whether we have set it, and not otherwise since: whoever may push can set one of any name. */
  hasStatus(commit: string, context: string): Promise<boolean>;
  /** `commit` in full. */
  setStatus(commit: string, status: CommitStatus): Promise<void>;
};
