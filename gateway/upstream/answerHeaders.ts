import type { IncomingHttpHeaders } from 'undici/types/header.d.ts';
import type { Admission } from '../decision/admission.ts';
import { withoutCors } from '../request/cors.ts';
import { respondable, trailing } from './headers.ts';
import { rewritePaths } from './rewritePaths.ts';

/** The upstream's headers, and ours: an upstream that has limits of its own tells them beside ours. */
export function answerHeaders(headers: IncomingHttpHeaders, admission: Admission, status: number): string[] {
  const { id, allowance } = admission;
  const { cors = null } = admission;
  const placed = rewritePaths(headers, admission);
  const named = cors === null ? placed : withoutCors(placed);
  const own = ['x-grantgate-decision', id];
  if (allowance !== null) own.push('ratelimit-policy', allowance.policy, 'ratelimit', allowance.state);
  for (const name in cors) own.push(name, cors[name] ?? '');
  // A caller that believes in a length waits for a body that never comes (RFC 9110, 8.6).
  const { 'content-length': _, ...bodiless } = named;
  return respondable(status === 204 ? bodiless : named, own);
}

/** An answer's trailers that may be passed on, in pairs of name and value as Node takes them. */
export function answerTrailers(trailers: IncomingHttpHeaders): [name: string, value: string][] {
  const flat = trailing(trailers);
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []));
}
