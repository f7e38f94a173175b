import { type Entry, isTreePath, readBlob, readFolder } from '../git/readPath.ts';
import { ApiError, notFound } from '../model/apiError.ts';
import { type Core, repositoryApi, repositoryUrl } from '../model/core.ts';
import { resolve } from '../model/resolve.ts';
import type { Methods } from '../model/shapes.ts';
import { type Handler, ok } from './call.ts';
import { escapePath } from './renderFile.ts';

type Content = Methods['repos']['getContent']['response']['data'];
type FileShape = Extract<Content, { type: 'file' }>;

function render<T extends Entry['type']>(core: Core, entry: Entry & { type: T }, ref: string) {
  const path = escapePath(entry.path);
  const url = `${repositoryApi(core)}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const folder = entry.type === 'dir';
  const html = `${repositoryUrl(core)}/${folder ? 'tree' : 'blob'}/${escapePath(ref)}/${path}`;
  const git = `${repositoryApi(core)}/git/${folder ? 'trees' : 'blobs'}/${entry.sha}`;
  return {
    name: entry.name,
    path: entry.path,
    sha: entry.sha,
    size: entry.size,
    url,
    html_url: html,
    git_url: git,
    download_url: folder ? null : `${repositoryUrl(core)}/raw/${escapePath(ref)}/${path}`,
    type: entry.type,
    _links: { self: url, git, html },
  };
}

/** `GET /contents/{path}?ref=`: a file with its content in base64, or a folder's list; raw bytes when so accepted. */
export const getContents: Handler = async (call) => {
  const { core } = call;
  const path = (call.params['*'] ?? '').replace(/\/$/, '');
  const ref = call.query.get('ref') ?? core.defaultBranch;
  if (!isTreePath(path)) throw notFound();
  const commit = await resolve(core, ref);
  if (commit === null) throw new ApiError(404, `No commit found for the ref ${ref}`);
  const folder = await readFolder(core.git, commit, path);
  if (folder !== null) return ok(folder.map((entry) => render(core, entry, ref)));
  const blob = await readBlob(core.git, commit, path);
  if (blob === null) throw notFound();
  if (/application\/vnd\.github(\.v3)?\.raw/.test(call.accept))
    return {
      status: 200,
      body: blob.bytes,
      headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' },
    };
  const name = path.split('/').at(-1) ?? '';
  const base64 = blob.bytes.toString('base64').replace(/(.{60})/g, '$1\n');
  return ok({
    ...render(core, { name, path, type: 'file', sha: blob.sha, size: blob.bytes.length }, ref),
    encoding: 'base64',
    content: `${base64}${base64.endsWith('\n') || base64 === '' ? '' : '\n'}`,
  } satisfies FileShape);
};
