import type { Commit } from '../git/commits.ts';
import { type Core, repositoryApi, repositoryUrl } from '../model/core.ts';
import { type Methods, nodeId } from '../model/shapes.ts';

export type CommitShape = Methods['repos']['listCommits']['response']['data'][number];

/** A commit as `GET /commits` lists it. Authors are Git's: their addresses are matched to no account. */
export function renderGitCommit(core: Core, commit: Commit): CommitShape {
  const url = `${repositoryApi(core)}/commits/${commit.sha}`;
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    url,
    html_url: `${repositoryUrl(core)}/commit/${commit.sha}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${repositoryApi(core)}/git/commits/${commit.sha}`,
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: `${repositoryApi(core)}/git/trees/${commit.tree}` },
      verification: {
        verified: false,
        reason: 'unsigned',
        payload: null,
        signature: null,
        verified_at: null,
      },
    },
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${repositoryApi(core)}/commits/${sha}`,
      html_url: `${repositoryUrl(core)}/commit/${sha}`,
    })),
  };
}
