/** What a file is to grants, by its path. `api` of an access file is its folder. */
export type FileKind =
  | { kind: 'api'; name: string }
  | { kind: 'openapi' }
  | { kind: 'access'; api: string }
  | { kind: 'directory'; provider: string }
  | { kind: 'services' | 'networks' | 'review' | 'ignored' | 'unknown' };

/**
 * Tells a file's kind. Ignored are what is not under grants/, README.md files, the JSON Schemas in grants/schema/ and
 * names that begin with a dot (`.gitkeep`, an editor's lock); whatever else is not known is unknown, for a misspelt name
 * must not grant or revoke in silence.
 */
export function fileKind(path: string): FileKind {
  const [first, folder = '', ...rest] = path.split('/');
  if (first !== 'grants') return { kind: 'ignored' };
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (last.startsWith('.') || last === 'README.md') return { kind: 'ignored' };
  if (folder === 'schema' && rest.length > 0) return { kind: 'ignored' };
  if (rest.length === 0) {
    if (folder === 'networks.yaml') return { kind: 'networks' };
    return { kind: folder === 'review.yaml' ? 'review' : 'unknown' };
  }
  const [name = '', second = ''] = rest;
  if (folder === 'access' && rest.length === 2 && second.endsWith('.yaml'))
    return { kind: 'access', api: name };
  // What an OpenAPI document refers to. One that no document does is reported, as a misspelt name is.
  if (folder === 'apis' && rest.length > 1 && /\.(?:ya?ml|json)$/.test(last)) return { kind: 'openapi' };
  if (rest.length !== 1) return { kind: 'unknown' };
  if (folder === 'apis' && /\.openapi\.(?:yaml|json)$/.test(name)) return { kind: 'openapi' };
  if (!name.endsWith('.yaml')) return { kind: 'unknown' };
  const bare = name.slice(0, -'.yaml'.length);
  if (folder === 'apis') return { kind: 'api', name: bare };
  if (folder !== 'directory') return { kind: 'unknown' };
  return bare === 'services' ? { kind: 'services' } : { kind: 'directory', provider: bare };
}
