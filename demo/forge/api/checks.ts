import { missingField, notFound } from '../model/apiError.ts';
import { type Core, isPull, repositoryApi, repositoryUrl } from '../model/core.ts';
import { resolve } from '../model/resolve.ts';
import { type Methods, nodeId } from '../model/shapes.ts';
import type { Check } from '../model/state.ts';
import { annotationsOf, checkOutput } from './annotations.ts';
import { choiceField, textField } from './body.ts';
import { type Call, created, type Handler, ok, page } from './call.ts';
import { needsCommit } from './statuses.ts';

type CheckShape = Methods['checks']['get']['response']['data'];

const conclusions = [
  'success',
  'failure',
  'neutral',
  'cancelled',
  'skipped',
  'timed_out',
  'action_required',
] as const;

function render(core: Core, check: Check): CheckShape {
  const url = `${repositoryApi(core)}/check-runs/${check.id}`;
  const repo = { id: 1, url: repositoryApi(core), name: core.name };
  return {
    id: check.id,
    head_sha: check.sha,
    node_id: nodeId('CheckRun', check.id),
    external_id: check.externalId,
    url,
    html_url: `${repositoryUrl(core)}/commit/${check.sha}`,
    details_url: check.detailsUrl,
    status: check.status,
    conclusion: conclusions.find((conclusion) => conclusion === check.conclusion) ?? null,
    started_at: check.startedAt,
    completed_at: check.completedAt,
    output: {
      title: check.title,
      summary: check.summary,
      text: check.text,
      annotations_count: check.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    name: check.name,
    check_suite: { id: 1 },
    app: null,
    pull_requests: core.state.data.issues
      .filter(isPull)
      .filter((issue) => issue.pull.head.sha === check.sha)
      .map((issue) => ({
        id: issue.id,
        number: issue.number,
        url: `${repositoryApi(core)}/pulls/${issue.number}`,
        head: { ...issue.pull.head, repo },
        base: { ...issue.pull.base, repo },
      })),
  };
}

/** Takes over what the call names; a conclusion completes the run, as on GitHub. */
function apply(call: Call, check: Check): void {
  const output = call.body.output;
  const inner: Call = {
    ...call,
    body: typeof output === 'object' && output !== null ? { ...output } : {},
  };
  const conclusion = choiceField(call, 'conclusion', conclusions);
  check.name = textField(call, 'name') ?? check.name;
  check.detailsUrl = textField(call, 'details_url') ?? check.detailsUrl;
  check.externalId = textField(call, 'external_id') ?? check.externalId;
  check.startedAt = textField(call, 'started_at') ?? check.startedAt ?? call.core.now();
  check.status =
    conclusion !== undefined
      ? 'completed'
      : (choiceField(call, 'status', ['queued', 'in_progress', 'completed']) ?? check.status);
  check.conclusion = conclusion ?? check.conclusion;
  check.completedAt =
    check.status === 'completed'
      ? (textField(call, 'completed_at') ?? check.completedAt ?? call.core.now())
      : null;
  for (const field of ['summary', 'text'] as const) checkOutput(field, textField(inner, field));
  const annotations = annotationsOf(inner.body.annotations);
  check.annotations.push(...annotations);
  check.title = textField(inner, 'title') ?? check.title;
  check.summary = textField(inner, 'summary') ?? check.summary;
  check.text = textField(inner, 'text') ?? check.text;
}

export const createCheck: Handler = async (call) => {
  const { core } = call;
  const sha = textField(call, 'head_sha');
  if (textField(call, 'name') === undefined) throw missingField('CheckRun', 'name');
  if (sha === undefined) throw missingField('CheckRun', 'head_sha');
  await needsCommit(core, sha);
  const check: Check = {
    id: core.state.newId(),
    sha,
    name: '',
    status: 'queued',
    conclusion: null,
    detailsUrl: null,
    externalId: null,
    startedAt: null,
    completedAt: null,
    title: null,
    summary: null,
    text: null,
    annotations: [],
  };
  apply(call, check);
  core.state.data.checks.push(check);
  await core.state.save();
  return created(render(core, check));
};

function checkOf(call: Call): Check {
  const check = call.core.state.data.checks.find((entry) => entry.id === Number(call.params.id));
  if (check === undefined) throw notFound();
  return check;
}

export const getCheck: Handler = async (call) => ok(render(call.core, checkOf(call)));

export const listAnnotations: Handler = async (call) => {
  const { core } = call;
  const { sha, annotations } = checkOf(call);
  const paged = page(call, annotations);
  return {
    status: 200,
    body: paged.items.map(({ path, startLine, endLine, level, message }) => ({
      path,
      blob_href: `${repositoryUrl(core)}/blob/${sha}/${path}`,
      start_line: startLine,
      end_line: endLine,
      start_column: null,
      end_column: null,
      annotation_level: level,
      title: null,
      message,
      raw_details: null,
    })) satisfies Methods['checks']['listAnnotations']['response']['data'],
    headers: paged.headers,
  };
};

export const patchCheck: Handler = async (call) => {
  const check = checkOf(call);
  apply(call, check);
  await call.core.state.save();
  return ok(render(call.core, check));
};

export const listChecks: Handler = async (call) => {
  const { core } = call;
  const sha = await resolve(core, call.params.ref ?? '');
  if (sha === null) throw notFound();
  const name = call.query.get('check_name');
  const items = core.state.data.checks
    .filter((check) => check.sha === sha && (name === null || check.name === name))
    .reverse();
  // `filter=latest`, the default, keeps the newest run of each name.
  const shown =
    call.query.get('filter') === 'all'
      ? items
      : items.filter((check, index) => items.findIndex((other) => other.name === check.name) === index);
  const paged = page(call, shown);
  return {
    status: 200,
    body: { total_count: shown.length, check_runs: paged.items.map((check) => render(core, check)) },
    headers: paged.headers,
  };
};
