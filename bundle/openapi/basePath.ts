import { isMapping } from '../format/isMapping.ts';

/**
 * The path that the operations stand under: of OpenAPI 2.0's `basePath`, or of the first of `servers`, its variables at
 * their defaults. Empty or a path without a slash at its end; null where it says nothing.
 */
export function basePath(holder: Record<string, unknown>): string | null {
  if (typeof holder.basePath === 'string') return trimmed(holder.basePath);
  const server: unknown = Array.isArray(holder.servers) ? holder.servers[0] : undefined;
  if (!isMapping(server) || typeof server.url !== 'string') return null;
  const variables = isMapping(server.variables) ? server.variables : {};
  const url = server.url.replace(/\{([^{}]*)\}/g, (whole, name: string) => {
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
    return isMapping(variable) && variable.default !== undefined ? String(variable.default) : whole;
  });
  const path =
    /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? url.replace(/[?#].*$/s, '');
  return trimmed(path);
}

function trimmed(path: string): string {
  const bare = path.replace(/^\.\//, '').replace(/\/+$/, '');
  if (bare === '' || bare === '.') return '';
  return bare.startsWith('/') ? bare : `/${bare}`;
}
