import type { RestEndpointMethodTypes } from '@octokit/rest';
import { api, type Core, repositoryApi, repositoryUrl } from './core.ts';
import type { User } from './users.ts';

// What GitHub publishes for users, repositories and labels. Return types come from Octokit's copy of GitHub's
// OpenAPI description, so the type check fails when a field is missing or of another type.

export type Methods = RestEndpointMethodTypes;
export type Repository = Methods['pulls']['get']['response']['data']['base']['repo'];
export type SimpleUser = Methods['pulls']['get']['response']['data']['user'];

export const nodeId = (kind: string, id: number | string): string =>
  Buffer.from(`${kind}:${id}`).toString('base64url');

export function renderUser(core: Core, user: User): SimpleUser {
  const url = `${api(core)}/users/${encodeURIComponent(user.login)}`;
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId('User', user.id),
    avatar_url: `${core.url()}/avatar.svg`,
    gravatar_id: '',
    url,
    html_url: core.url(),
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: user.type,
    site_admin: false,
  };
}

export const renderLogin = (core: Core, login: string): SimpleUser =>
  renderUser(core, core.users.named(login));

const owner = (core: Core): SimpleUser => ({ ...renderLogin(core, core.owner), type: 'Organization' });

/** The `{…}` parts are URI templates, as GitHub gives them. */
export function renderRepository(core: Core, viewer?: User): Repository {
  const url = repositoryApi(core);
  const html = repositoryUrl(core);
  const push = viewer?.permission === 'write' || viewer?.permission === 'admin';
  const open = core.state.data.issues.filter((issue) => issue.state === 'open').length;
  return {
    id: 1,
    node_id: nodeId('Repository', 1),
    name: core.name,
    full_name: `${core.owner}/${core.name}`,
    owner: owner(core),
    private: false,
    html_url: html,
    description: null,
    fork: false,
    url,
    archive_url: `${url}/{archive_format}{/ref}`,
    assignees_url: `${url}/assignees{/user}`,
    blobs_url: `${url}/git/blobs{/sha}`,
    branches_url: `${url}/branches{/branch}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    comments_url: `${url}/comments{/number}`,
    commits_url: `${url}/commits{/sha}`,
    compare_url: `${url}/compare/{base}...{head}`,
    contents_url: `${url}/contents/{+path}`,
    contributors_url: `${url}/contributors`,
    deployments_url: `${url}/deployments`,
    downloads_url: `${url}/downloads`,
    events_url: `${url}/events`,
    forks_url: `${url}/forks`,
    git_commits_url: `${url}/git/commits{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    git_url: `${html}.git`,
    hooks_url: `${url}/hooks`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    issue_events_url: `${url}/issues/events{/number}`,
    issues_url: `${url}/issues{/number}`,
    keys_url: `${url}/keys{/key_id}`,
    labels_url: `${url}/labels{/name}`,
    languages_url: `${url}/languages`,
    merges_url: `${url}/merges`,
    milestones_url: `${url}/milestones{/number}`,
    notifications_url: `${url}/notifications{?since,all,participating}`,
    pulls_url: `${url}/pulls{/number}`,
    releases_url: `${url}/releases{/id}`,
    ssh_url: `${html}.git`,
    stargazers_url: `${url}/stargazers`,
    statuses_url: `${url}/statuses/{sha}`,
    subscribers_url: `${url}/subscribers`,
    subscription_url: `${url}/subscription`,
    svn_url: html,
    tags_url: `${url}/tags`,
    teams_url: `${url}/teams`,
    trees_url: `${url}/git/trees{/sha}`,
    clone_url: `${html}.git`,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    forks: 0,
    forks_count: 0,
    stargazers_count: 0,
    watchers_count: 0,
    watchers: 0,
    size: 0,
    default_branch: core.defaultBranch,
    open_issues: open,
    open_issues_count: open,
    is_template: false,
    topics: [],
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    archived: false,
    disabled: false,
    visibility: 'public',
    pushed_at: core.state.data.createdAt,
    created_at: core.state.data.createdAt,
    updated_at: core.state.data.createdAt,
    permissions: {
      admin: viewer?.permission === 'admin',
      maintain: viewer?.permission === 'admin',
      push,
      triage: push,
      pull: true,
    },
    allow_merge_commit: true,
    allow_squash_merge: true,
    // Git before 2.40 cannot replay single commits without a work tree.
    allow_rebase_merge: false,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    web_commit_signoff_required: false,
  };
}

type LabelShape = Methods['issues']['getLabel']['response']['data'];

/** A label by name; one that was deleted meanwhile still renders. */
export function renderLabel(core: Core, name: string): LabelShape & { description: string } {
  const label = core.state.data.labels.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
  return {
    id: label?.id ?? 0,
    node_id: nodeId('Label', label?.id ?? 0),
    url: `${repositoryApi(core)}/labels/${encodeURIComponent(name)}`,
    name: label?.name ?? name,
    description: label?.description ?? '',
    color: label?.color ?? 'ededed',
    default: false,
  };
}

type TeamShape = NonNullable<Methods['pulls']['list']['response']['data'][number]['requested_teams']>[number];

/** A team of the organisation that a review was asked of. */
export function renderTeam(core: Core, slug: string): TeamShape {
  const url = `${api(core)}/orgs/${core.owner}/teams/${slug}`;
  return {
    id: 0,
    node_id: nodeId('Team', slug),
    name: slug,
    slug,
    description: null,
    privacy: 'closed',
    notification_setting: 'notifications_enabled',
    permission: 'push',
    url,
    html_url: `${core.url()}/orgs/${core.owner}/teams/${slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    parent: null,
    type: 'organization',
    organization_id: 0,
  };
}
