import type { ChangedFile } from '../git/compare.ts';
import { type Core, repositoryApi, repositoryUrl } from '../model/core.ts';
import type { Methods } from '../model/shapes.ts';

type FileShape = Methods['pulls']['listFiles']['response']['data'][number];

export const escapePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** A changed file as pull requests, commits and comparisons list it; `ref` is the commit it is read at. */
export function renderFile(core: Core, file: ChangedFile, ref: string): FileShape {
  const path = escapePath(file.path);
  return {
    sha: file.blob,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${repositoryUrl(core)}/blob/${ref}/${path}`,
    raw_url: `${repositoryUrl(core)}/raw/${ref}/${path}`,
    contents_url: `${repositoryApi(core)}/contents/${path}?ref=${ref}`,
    ...(file.patch === null ? {} : { patch: file.patch }),
    ...(file.previous === null ? {} : { previous_filename: file.previous }),
  };
}
