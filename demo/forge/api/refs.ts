import { isAncestor } from '../git/compare.ts';
import { isRefName, isSha } from '../git/refName.ts';
import { ApiError, invalid, missingField, notFound } from '../model/apiError.ts';
import { type Core, repositoryApi } from '../model/core.ts';
import { moveRef } from '../model/merge.ts';
import { type Methods, nodeId } from '../model/shapes.ts';
import { synchronize } from '../model/synchronize.ts';
import { flagField, textField } from './body.ts';
import { actor, type Call, created, empty, type Handler, ok, page } from './call.ts';

type RefShape = Methods['git']['getRef']['response']['data'];

type Entry = { ref: string; sha: string; type: string };

const render = (core: Core, { ref, sha, type }: Entry): RefShape => ({
  ref,
  node_id: nodeId('Ref', ref),
  url: `${repositoryApi(core)}/git/${ref}`,
  object: {
    sha,
    type,
    url: `${repositoryApi(core)}/git/${type === 'tag' ? 'tags' : 'commits'}/${sha}`,
  },
});

/** Refs under `refs/…` whose names begin with `prefix`. */
async function matching(core: Core, prefix: string): Promise<Entry[]> {
  const text = await core.git.text([
    'for-each-ref',
    '--format=%(objectname) %(objecttype) %(refname)',
    'refs/',
  ]);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [sha = '', type = '', ...ref] = line.split(' ');
      return { sha, type, ref: ref.join(' ') };
    })
    .filter((entry) => entry.ref.startsWith(`refs/${prefix}`));
}

/** `heads/main` of the path, as a full name; what is no ref name cannot exist. */
function nameOf(call: Call): string {
  const name = `refs/${call.params['*'] ?? ''}`;
  if (!isRefName(name)) throw notFound();
  return name;
}

async function entryOf(core: Core, ref: string): Promise<Entry> {
  const found = (await matching(core, ref.slice('refs/'.length))).find((entry) => entry.ref === ref);
  if (found === undefined) throw notFound();
  return found;
}

export const getRef: Handler = async (call) => ok(render(call.core, await entryOf(call.core, nameOf(call))));

export const listMatching: Handler = async (call) => {
  const prefix = call.params['*'] ?? '';
  const paged = page(call, await matching(call.core, prefix));
  return { status: 200, body: paged.items.map((entry) => render(call.core, entry)), headers: paged.headers };
};

/** Only branches and tags can be written: pull request refs are the forge's own. */
const writable = (ref: string) => isRefName(ref) && /^refs\/(heads|tags)\/(?!-)/.test(ref);

async function commitExists(core: Core, sha: string): Promise<boolean> {
  return (
    isSha(sha) && (await core.git.run(['cat-file', '-e', `${sha}^{commit}`], { codes: [1, 128] })).code === 0
  );
}

export const createRef: Handler = async (call) => {
  const { core } = call;
  const ref = textField(call, 'ref');
  const sha = textField(call, 'sha');
  if (ref === undefined) throw missingField('Reference', 'ref');
  if (sha === undefined) throw missingField('Reference', 'sha');
  if (!writable(ref)) throw new ApiError(422, `${ref} is not a valid ref name.`);
  if (!(await commitExists(core, sha))) throw new ApiError(422, 'Object does not exist');
  await core.exclusive(async () => {
    if (!(await moveRef(core.git, ref, sha, null))) throw new ApiError(422, 'Reference already exists');
    await synchronize(core, actor(call));
  });
  const shape = render(core, { ref, sha, type: 'commit' });
  return created(shape, shape.url);
};

export const updateRef: Handler = async (call) => {
  const { core } = call;
  const ref = nameOf(call);
  const sha = textField(call, 'sha');
  const force = flagField(call, 'force') ?? false;
  if (sha === undefined) throw missingField('Reference', 'sha');
  if (!writable(ref)) throw new ApiError(422, 'Reference cannot be updated');
  await core.exclusive(async () => {
    const before = await entryOf(core, ref).catch(() => {
      throw new ApiError(422, 'Reference does not exist');
    });
    if (!(await commitExists(core, sha))) throw new ApiError(422, 'Object does not exist');
    if (!force && !(await isAncestor(core.git, before.sha, sha)))
      throw new ApiError(422, 'Update is not a fast forward');
    if (!(await moveRef(core.git, ref, sha, before.sha)))
      throw invalid({ resource: 'Reference', code: 'custom', message: 'Reference was moved meanwhile' });
    await synchronize(core, actor(call));
  });
  return ok(render(core, { ref, sha, type: 'commit' }));
};

export const deleteRef: Handler = async (call) => {
  const { core } = call;
  const ref = nameOf(call);
  if (!writable(ref)) throw new ApiError(422, 'Reference cannot be deleted');
  if (ref === `refs/heads/${core.defaultBranch}`) throw new ApiError(422, 'Cannot delete the default branch');
  await core.exclusive(async () => {
    const before = await entryOf(core, ref).catch(() => {
      throw new ApiError(422, 'Reference does not exist');
    });
    await moveRef(core.git, ref, null, before.sha);
    await synchronize(core, actor(call));
  });
  return empty();
};

export const listBranches: Handler = async (call) => {
  const paged = page(call, await matching(call.core, 'heads/'));
  return {
    status: 200,
    body: paged.items.map(({ ref, sha }) => ({
      name: ref.slice('refs/heads/'.length),
      commit: { sha, url: `${repositoryApi(call.core)}/commits/${sha}` },
      protected: false,
    })),
    headers: paged.headers,
  };
};
