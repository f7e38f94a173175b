/**
 * Git refused or could not be run. Codes: `git-missing`, `git-failed`, `git-revision` (no such commit), `git-timeout`,
 * `git-aborted`.
 */
export class GitError extends Error {
  readonly code: 'git-missing' | 'git-failed' | 'git-revision' | 'git-timeout' | 'git-aborted';
  /** What Git itself said; empty when it said nothing. */
  readonly complaint: string;
  constructor(
    code: GitError['code'],
    message: string,
    { complaint = '', ...options }: ErrorOptions & { complaint?: string } = {},
  ) {
    super(message, options);
    this.complaint = complaint;
    this.name = 'GitError';
    this.code = code;
  }
}
