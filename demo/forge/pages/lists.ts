import { type Commit, commitsBetween, subject } from '../git/commits.ts';
import { type Core, isPull } from '../model/core.ts';
import type { Issue } from '../model/state.ts';
import { type Html, html } from './html.ts';
import { layout, pathTo, short, when } from './layout.ts';

export const pageOf = (core: Core, issue: Issue): string =>
  pathTo(core, isPull(issue) ? 'pull' : 'issues', String(issue.number));

const stateOf = (issue: Issue): string =>
  isPull(issue) && issue.pull.mergedAt !== null
    ? 'merged'
    : isPull(issue) && issue.pull.draft
      ? 'draft'
      : issue.state;

export const stateBadge = (issue: Issue): Html => {
  const state = stateOf(issue);
  return html`<span class="state ${state}">${state.charAt(0).toUpperCase()}${state.slice(1)}</span>`;
};

export const labels = (issue: Issue): Html[] =>
  issue.labels.map((name) => html`<span class="label">${name}</span> `);

function issueList(core: Core, issues: readonly Issue[], none: string): Html {
  if (issues.length === 0) return html`<div class="card"><p class="quiet pad">${none}</p></div>`;
  return html`<div class="card"><ul class="list">${issues.map(
    (issue) => html`<li><a class="title" href="${pageOf(core, issue)}">${issue.title}</a> ${labels(issue)}
<span class="end">${stateBadge(issue)}</span>
<span class="line">#${issue.number} by ${issue.author}, ${when(issue.createdAt)}${isPull(issue) && html` · <code>${issue.pull.head.ref}</code>`}</span></li>`,
  )}</ul></div>`;
}

export function commitList(core: Core, commits: readonly Commit[]): Html {
  return html`<div class="card"><ul class="list">${commits.map(
    (
      commit,
    ) => html`<li><a class="title" href="${pathTo(core, 'commit', commit.sha)}">${subject(commit.message)}</a>
<span class="end"><a class="sha" href="${pathTo(core, 'commit', commit.sha)}">${short(commit.sha)}</a></span>
<span class="line">${commit.author.name}, ${when(commit.committer.date)}</span></li>`,
  )}</ul></div>`;
}

/** The repository: open pull requests, branches, the newest commits. */
export async function homePage(core: Core): Promise<Html> {
  const main = core.refs.get(`refs/heads/${core.defaultBranch}`);
  const commits = main === undefined ? [] : await commitsBetween(core.git, null, main, 10);
  const branches = [...core.refs].filter(([ref]) => ref.startsWith('refs/heads/')).sort();
  const open = core.state.data.issues.filter(isPull).filter((issue) => issue.state === 'open');
  return layout(
    core,
    'Repository',
    html`<h1>${core.owner} / ${core.name}</h1>
<p class="meta"><code>git clone ${core.url()}/${core.owner}/${core.name}.git</code></p>
<h2>Open pull requests</h2>
${issueList(core, open.reverse(), 'No pull request is open.')}
<h2>Recent commits</h2>
${commitList(core, commits)}
<h2>Branches</h2>
<div class="card"><ul class="list">${branches.map(([ref, sha]) => {
      const name = ref.slice('refs/heads/'.length);
      return html`<li><a class="title" href="${pathTo(core, 'tree', name)}">${name}</a><span class="end"><a class="sha" href="${pathTo(core, 'commit', sha)}">${short(sha)}</a></span></li>`;
    })}</ul></div>`,
  );
}

/** Pull requests or issues, open ones unless asked otherwise. */
export function listPage(core: Core, kind: 'pulls' | 'issues', state: string): Html {
  const wanted = state === 'closed' ? 'closed' : 'open';
  const all = core.state.data.issues.filter((issue) => isPull(issue) === (kind === 'pulls'));
  const title = kind === 'pulls' ? 'Pull requests' : 'Issues';
  const tab = (name: 'open' | 'closed') => {
    const count = all.filter((issue) => issue.state === name).length;
    const current = name === wanted ? html` aria-current="page"` : null;
    return html`<a href="${pathTo(core, kind)}?state=${name}"${current}>${count} ${name}</a>`;
  };
  return layout(
    core,
    title,
    html`<h1>${title}</h1><p class="tabs">${tab('open')}${tab('closed')}</p>
${issueList(core, all.filter((issue) => issue.state === wanted).reverse(), `None is ${wanted}.`)}`,
  );
}
