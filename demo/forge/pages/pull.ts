import { commitsBetween } from '../git/commits.ts';
import { type Core, isPull } from '../model/core.ts';
import { comparedWith, type PullFacts, pullFacts } from '../model/pullFacts.ts';
import type { Issue, PullIssue } from '../model/state.ts';
import { renderDiff } from './diff.ts';
import type { FormTokens } from './formToken.ts';
import { type Html, html } from './html.ts';
import { layout, pathTo, short, when } from './layout.ts';
import { commitList, labels, pageOf, stateBadge } from './lists.ts';
import { markdown } from './markdown.ts';

type Forms = { core: Core; tokens: FormTokens };

/** A form of one button that posts to `PAGE/verb`. */
function button(
  { core, tokens }: Forms,
  issue: Issue,
  { verb, text, primary = false }: { verb: string; text: string; primary?: boolean },
): Html {
  const path = `${pageOf(core, issue)}/${verb}`;
  return html`<form method="post" action="${path}"><input type="hidden" name="token" value="${tokens.issue(path)}"><button class="${primary && 'primary'}">${text}</button></form>`;
}

function mergeBox(forms: Forms, issue: PullIssue, facts: PullFacts): Html {
  const { core } = forms;
  const { pull } = issue;
  const commit = pull.mergeCommit;
  if (pull.mergedAt !== null && commit !== null)
    return html`<section class="card merge done"><div class="body"><h3>Merged</h3>
<p class="quiet">${pull.mergedBy} merged this into <code>${pull.base.ref}</code> as <a class="sha" href="${pathTo(core, 'commit', commit)}">${short(commit)}</a>, ${when(pull.mergedAt)}.</p></div></section>`;
  if (issue.state === 'closed')
    return html`<section class="card merge off"><div class="body"><h3>Closed without merging</h3>
<p class="quiet">${issue.closedBy} closed this${issue.closedAt !== null && [', ', when(issue.closedAt)]}.</p><div class="actions">${button(forms, issue, { verb: 'reopen', text: 'Reopen' })}</div></div></section>`;
  if (facts.mergeable !== true)
    return html`<section class="card merge conflict"><div class="body"><h3>This branch conflicts with <code>${pull.base.ref}</code></h3>
<p class="quiet">Both sides changed the same lines. Merge <code>${pull.base.ref}</code> into the branch, settle the conflict and push.</p>
<ul>${facts.conflicts.map((path) => html`<li><code>${path}</code></li>`)}</ul><div class="actions">${button(forms, issue, { verb: 'close', text: 'Close' })}</div></div></section>`;
  return html`<section class="card merge"><div class="body"><h3>This can be merged</h3>
<p class="quiet">No conflicts with <code>${pull.base.ref}</code>.</p><div class="actions">${button(forms, issue, { verb: 'merge', text: 'Merge', primary: true })}${button(forms, issue, { verb: 'close', text: 'Close' })}</div></div></section>`;
}

type Remark = Pick<Issue, 'author' | 'createdAt' | 'body'>;

/** `id`: by which links within the page find it. */
function remark({ author, createdAt, body }: Remark, verb: string, id?: string): Html {
  return html`<section class="card" id="${id}"><h2 class="head"><b>${author}</b> ${verb} ${when(createdAt)}</h2><div class="body">${
    body === null || body.trim() === '' ? html`<p class="quiet">No description.</p>` : markdown(body)
  }</div></section>`;
}

function conversation(forms: Forms, issue: Issue): Html {
  const { core, tokens } = forms;
  const path = `${pageOf(core, issue)}/comment`;
  const comments = core.state.data.comments.filter((comment) => comment.issue === issue.number);
  return html`${comments.map((comment) => remark(comment, 'commented', `issuecomment-${comment.id}`))}
<section class="card"><div class="body"><form method="post" action="${path}"><input type="hidden" name="token" value="${tokens.issue(path)}">
<label for="comment"><b>Comment</b></label><textarea id="comment" name="body" required maxlength="65536"></textarea><div class="actions"><button>Comment</button></div></form></div></section>`;
}

function checks(core: Core, sha: string): Html | null {
  const runs = core.state.data.checks.filter((check) => check.sha === sha);
  const newest = new Map(
    core.state.data.statuses.filter((status) => status.sha === sha).map((s) => [s.context, s]),
  );
  if (runs.length + newest.size === 0) return null;
  return html`<section class="card"><ul class="list">${runs.map(
    (run) =>
      html`<li><span class="title">${run.name}</span> <span class="quiet">${run.title}</span><span class="end">${run.conclusion ?? run.status}</span></li>`,
  )}${[...newest.values()].map(
    (status) =>
      html`<li><span class="title">${status.context}</span> <span class="quiet">${status.description}</span><span class="end">${status.state}</span></li>`,
  )}</ul></section>`;
}

/** A pull request: what it says, what it changes, and the buttons that decide it. `notice` tells of a refused attempt. */
export async function pullPage(forms: Forms, issue: PullIssue, notice?: string): Promise<Html> {
  const { core } = forms;
  const [facts, commits] = await Promise.all([
    pullFacts(core, issue),
    commitsBetween(core.git, comparedWith(core, issue), issue.pull.head.sha),
  ]);
  const files = facts.files.length === 1 ? '1 file' : `${facts.files.length} files`;
  return layout(
    core,
    `${issue.title} #${issue.number}`,
    html`<h1>${issue.title} <span class="number">#${issue.number}</span></h1>
<p class="meta">${stateBadge(issue)} <span>${issue.author} wants to merge <code>${issue.pull.head.ref}</code> into <code>${issue.pull.base.ref}</code></span> ${labels(issue)}</p>
${notice !== undefined && html`<p class="notice" role="alert">${notice}</p>`}
${remark(issue, 'wrote')}
${checks(core, issue.pull.head.sha)}
${mergeBox(forms, issue, facts)}
<h2 id="files">${files} changed, <span class="plus">+${facts.additions}</span> <span class="minus">−${facts.deletions}</span></h2>
${renderDiff(facts.files)}
<h2 id="commits">Commits</h2>
${commitList(core, commits.reverse())}
<h2 id="comments">Conversation</h2>
${conversation(forms, issue)}`,
  );
}

/** An issue without changes. */
export function issuePage(forms: Forms, issue: Issue): Html {
  return layout(
    forms.core,
    `${issue.title} #${issue.number}`,
    html`<h1>${issue.title} <span class="number">#${issue.number}</span></h1>
<p class="meta">${stateBadge(issue)} ${labels(issue)}</p>
${remark(issue, 'wrote')}
${conversation(forms, issue)}
<div class="actions">${issue.state === 'open' && !isPull(issue) && button(forms, issue, { verb: 'close', text: 'Close' })}</div>`,
  );
}
