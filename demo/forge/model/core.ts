import type { Git } from '../git/git.ts';
import type { Issue, PullIssue, State } from './state.ts';
import type { User, Users } from './users.ts';

/** What every part of the forge works on. */
export type Core = {
  owner: string;
  name: string;
  defaultBranch: string;
  /** Address of the pages, without a slash at its end. */
  url: () => string;
  git: Git;
  state: State;
  users: Users;
  /** Who acts through the pages, which have no log-in. */
  viewer: User;
  /** Now, as GitHub writes it: `2026-11-23T10:00:00Z`. */
  now: () => string;
  /** Runs one change of refs or pull requests at a time. */
  exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  /** Sends an event to every webhook; returns at once. */
  emit: (event: string, payload: Record<string, unknown>) => void;
  /** Whether there is any webhook to send to. */
  isHeard: () => boolean;
  /** Branches and tags as last seen: full ref name → object id. */
  refs: Map<string, string>;
};

export const api = (core: Core): string => `${core.url()}/api/v3`;
export const repositoryApi = (core: Core): string => `${api(core)}/repos/${core.owner}/${core.name}`;
export const repositoryUrl = (core: Core): string => `${core.url()}/${core.owner}/${core.name}`;

export const isPull = (issue: Issue): issue is PullIssue => issue.pull !== null;

export function findIssue(core: Core, number: number): Issue | undefined {
  return core.state.data.issues.find((issue) => issue.number === number);
}

export function findPull(core: Core, number: number): PullIssue | undefined {
  const issue = findIssue(core, number);
  return issue !== undefined && isPull(issue) ? issue : undefined;
}

export const openPulls = (core: Core): PullIssue[] =>
  core.state.data.issues.filter(isPull).filter((issue) => issue.state === 'open');

/** A queue for `exclusive`: each work begins when the one before has ended, however it ended. */
export function createQueue(): Core['exclusive'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}
