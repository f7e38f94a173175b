import { isSha } from '../git/refName.ts';
import { ApiError, invalid, notFound } from '../model/apiError.ts';
import { type Core, repositoryApi } from '../model/core.ts';
import { resolve } from '../model/resolve.ts';
import { type Methods, nodeId, renderLogin, renderRepository } from '../model/shapes.ts';
import type { Status } from '../model/state.ts';
import { choiceField, textField } from './body.ts';
import { actor, type Call, created, type Handler, listing, ok } from './call.ts';

type StatusShape = Methods['repos']['createCommitStatus']['response']['data'];

const render = (core: Core, status: Status): StatusShape => ({
  url: `${repositoryApi(core)}/statuses/${status.sha}`,
  avatar_url: renderLogin(core, status.creator).avatar_url,
  id: status.id,
  node_id: nodeId('StatusContext', status.id),
  state: status.state,
  description: status.description,
  target_url: status.targetUrl,
  context: status.context,
  created_at: status.createdAt,
  updated_at: status.createdAt,
  creator: renderLogin(core, status.creator),
});

async function shaOf(call: Call): Promise<string> {
  const sha = await resolve(call.core, call.params.ref ?? '');
  if (sha === null) throw new ApiError(422, `No commit found for SHA: ${call.params.ref}`);
  return sha;
}

/** Newest first. */
const of = (core: Core, sha: string) =>
  core.state.data.statuses.filter((status) => status.sha === sha).reverse();

export const createStatus: Handler = async (call) => {
  const { core } = call;
  const sha = call.params.ref ?? '';
  if (!isSha(sha) || (await resolve(core, sha)) === null)
    throw new ApiError(422, `No commit found for SHA: ${sha}`);
  const state = choiceField(call, 'state', ['error', 'failure', 'pending', 'success']);
  if (state === undefined) throw invalid({ resource: 'Status', code: 'missing_field', field: 'state' });
  const description = textField(call, 'description') ?? null;
  if (description !== null && [...description].length > 140)
    throw invalid({
      resource: 'Status',
      code: 'custom',
      field: 'description',
      message: 'description is too long (maximum is 140 characters)',
    });
  const status: Status = {
    id: core.state.newId(),
    sha,
    state,
    context: textField(call, 'context') ?? 'default',
    description,
    targetUrl: textField(call, 'target_url') ?? null,
    creator: actor(call).login,
    createdAt: core.now(),
  };
  core.state.data.statuses.push(status);
  await core.state.save();
  return created(render(core, status), `${repositoryApi(core)}/statuses/${sha}`);
};

export const listStatuses: Handler = async (call) => {
  const sha = await shaOf(call);
  return listing(call, of(call.core, sha), (status) => render(call.core, status));
};

/** The newest status of each context, and what they come to together. */
export const combinedStatus: Handler = async (call) => {
  const { core } = call;
  const sha = await shaOf(call);
  const newest = new Map<string, Status>();
  for (const status of of(core, sha)) if (!newest.has(status.context)) newest.set(status.context, status);
  const all = [...newest.values()];
  const some = (...states: string[]) => all.some((status) => states.includes(status.state));
  const state = some('error', 'failure')
    ? 'failure'
    : all.length === 0 || some('pending')
      ? 'pending'
      : 'success';
  return ok({
    state,
    statuses: all.map((status) => render(core, status)),
    sha,
    total_count: all.length,
    repository: { ...renderRepository(core), license: null },
    commit_url: `${repositoryApi(core)}/commits/${sha}`,
    url: `${repositoryApi(core)}/commits/${sha}/status`,
  } satisfies Methods['repos']['getCombinedStatusForRef']['response']['data']);
};

export const needsCommit = async (core: Core, sha: string): Promise<void> => {
  if (!isSha(sha) || (await resolve(core, sha)) === null) throw notFound();
};
