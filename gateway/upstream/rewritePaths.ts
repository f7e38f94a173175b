import type { IncomingHttpHeaders } from 'undici/types/header.d.ts';
import type { Admission } from '../decision/admission.ts';

type Placed = Pick<Admission, 'route' | 'canonical'>;

/**
 * An answer's headers with the paths that its upstream names as callers name them: `Location`, `Content-Location` and
 * the paths of cookies get the API's prefix back and lose the upstream's own path, and the upstream's own address goes.
 * What leads anywhere else stays as it is. The same object where there is nothing to change.
 */
export function rewritePaths(headers: IncomingHttpHeaders, admission: Placed): IncomingHttpHeaders {
  const { location, 'content-location': content, 'set-cookie': cookies } = headers;
  if (location === undefined && content === undefined && cookies === undefined) return headers;
  const changed = { ...headers };
  if (typeof location === 'string') changed.location = placed(location, admission);
  if (typeof content === 'string') changed['content-location'] = placed(content, admission);
  const { base, strip } = admission.route;
  if (cookies !== undefined && (base !== '' || strip > 0))
    changed['set-cookie'] = [cookies].flat().map((cookie) => withPath(cookie, admission));
  return changed;
}

function placed(target: string, { route, canonical }: Placed): string {
  const { upstream, base, strip } = route;
  const own = target.slice(0, upstream.length).toLowerCase() === upstream.toLowerCase();
  const local =
    own && /^[/?#]|^$/.test(target.slice(upstream.length)) ? target.slice(upstream.length) : target;
  // A second slash or a backslash would begin another host's name to a browser.
  if (!/^\/(?![/\\])/.test(local)) return target;
  const end = local.search(/[?#]/);
  const path = end < 0 ? local : local.slice(0, end);
  if (path !== base && !path.startsWith(`${base}/`)) return target;
  const callers = canonical.path.slice(0, strip) + local.slice(base.length);
  return /^\/(?![/\\])/.test(callers) ? callers : `/${callers.replace(/^[/\\]+/, '')}`;
}

/** A path that is above the upstream's own is the whole API's. */
function withPath(cookie: string, { route, canonical }: Placed): string {
  const prefix = canonical.path.slice(0, route.strip);
  return cookie.replace(/(;\s*path\s*=\s*)(\/[^;]*)/gi, (whole, name: string, path: string) => {
    const bare = path.trim().replace(/\/+$/, '');
    if (route.base === bare || route.base.startsWith(`${bare}/`)) return `${name}${prefix || '/'}`;
    if (!bare.startsWith(`${route.base}/`)) return whole;
    return `${name}${prefix}${bare.slice(route.base.length)}`;
  });
}
