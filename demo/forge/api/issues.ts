import { isPull } from '../model/core.ts';
import { checkTexts } from '../model/openPull.ts';
import { changeBody, closeRecord, reopenRecord } from '../model/pullState.ts';
import { renderIssue } from '../model/renderIssue.ts';
import type { Issue } from '../model/state.ts';
import { updatePull } from '../model/updatePull.ts';
import { choiceField, listField, nullableText, textField } from './body.ts';
import { actor, created, type Handler, listing, ok } from './call.ts';
import { issueOf } from './issueOf.ts';
import { useLabels } from './labels.ts';

export const listIssues: Handler = async (call) => {
  const { core, query } = call;
  const state = query.get('state') ?? 'open';
  const labels = (query.get('labels') ?? '').split(',').filter(Boolean);
  const since = query.get('since');
  const creator = query.get('creator');
  const key = (issue: Issue) => (query.get('sort') === 'updated' ? issue.updatedAt : issue.createdAt);
  const has = (issue: Issue, label: string) =>
    issue.labels.some((name) => name.toLowerCase() === label.toLowerCase());
  const items = core.state.data.issues
    .filter((issue) => state === 'all' || issue.state === state)
    .filter((issue) => labels.every((label) => has(issue, label)))
    .filter((issue) => creator === null || issue.author === creator)
    .filter((issue) => since === null || Date.parse(issue.updatedAt) >= Date.parse(since))
    .sort((a, b) => key(a).localeCompare(key(b)) || a.number - b.number);
  return listing(call, query.get('direction') === 'asc' ? items : items.reverse(), (issue) =>
    renderIssue(core, issue),
  );
};

export const getIssue: Handler = async (call) => ok(renderIssue(call.core, issueOf(call)));

export const createIssue: Handler = async (call) => {
  const { core } = call;
  const title = textField(call, 'title') ?? '';
  const body = textField(call, 'body') ?? null;
  checkTexts('Issue', title, body);
  const now = core.now();
  const by = actor(call);
  // What a reader may not set is dropped without a word.
  const may = by.permission !== 'read';
  const issue: Issue = {
    number: core.state.newNumber(),
    id: core.state.newId(),
    title,
    body,
    author: by.login,
    state: 'open',
    stateReason: null,
    labels: useLabels(core, may ? (listField(call, 'labels') ?? []) : []),
    assignees: may ? (listField(call, 'assignees') ?? []) : [],
    createdAt: now,
    updatedAt: now,
    closedAt: null,
    closedBy: null,
    reopenedAt: null,
    edited: null,
    pull: null,
  };
  core.state.data.issues.push(issue);
  await core.state.save();
  const shape = renderIssue(core, issue);
  return created(shape, shape.url);
};

export const patchIssue: Handler = async (call) => {
  const { core } = call;
  const issue = issueOf(call);
  const title = textField(call, 'title');
  const body = nullableText(call, 'body');
  const state = choiceField(call, 'state', ['open', 'closed']);
  const reason = choiceField(call, 'state_reason', ['completed', 'not_planned', 'reopened']);
  const labels = listField(call, 'labels');
  const assignees = listField(call, 'assignees');
  checkTexts('Issue', title, body);
  if (isPull(issue)) await updatePull(core, issue, { title, body, state }, actor(call));
  else {
    issue.title = title ?? issue.title;
    if (body !== undefined) changeBody(core, issue, body, actor(call));
    if (state === 'closed' && issue.state === 'open')
      closeRecord(core, issue, actor(call), reason === 'not_planned' ? reason : 'completed');
    if (state === 'open' && issue.state === 'closed') reopenRecord(core, issue);
  }
  if (labels !== undefined) issue.labels = useLabels(core, labels);
  if (assignees !== undefined) issue.assignees = assignees;
  issue.updatedAt = core.now();
  await core.state.save();
  return ok(renderIssue(core, issue));
};

export const addAssignees: Handler = async (call) => {
  const issue = issueOf(call);
  issue.assignees = [...new Set([...issue.assignees, ...(listField(call, 'assignees') ?? [])])];
  await call.core.state.save();
  return created(renderIssue(call.core, issue));
};
