import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Admission } from '../decision/admission.ts';
import { peerAddress } from '../request/clientAddress.ts';
import type { Forwardable } from './headers.ts';

/** The upstream's own path, then the decided one less the API's prefix, then the query as it came. */
export function upstreamPath({ canonical, route }: Admission): string {
  const path = route.base + (route.strip === 0 ? canonical.path : canonical.path.slice(route.strip));
  return canonical.query === '' ? path : path + canonical.query;
}

/** The client's harmless headers, then ours: who calls, by which grants, and where from. */
export function upstreamHeaders(
  request: IncomingMessage,
  admission: Admission,
  forwardable: Forwardable,
): string[] {
  const { canonical, address, trace } = admission;
  const headers = forwardable(request.rawHeaders, trace?.malformed);
  const length = request.headers['content-length'];
  if (length !== undefined) headers.push('content-length', length);
  headers.push(
    'x-forwarded-for',
    address,
    'x-forwarded-host',
    canonical.host,
    'x-forwarded-proto',
    schemeOf(request, address),
  );
  return identityHeaders(admission, headers);
}

/** An address other than the peer's was named by a proxy we trust: then its word on the scheme counts too. */
function schemeOf(request: IncomingMessage, address: string): string {
  const named = request.headers['x-forwarded-proto'];
  if ((named === 'https' || named === 'http') && address !== peerAddress(request)) return named;
  return request.socket instanceof TLSSocket ? 'https' : 'http';
}

/**
 * A name as a header can carry it: what is no visible ASCII, and the `%` and `,` that would be taken for ours, are
 * percent-encoded UTF-8. Decoding gives the name back, whichever it is.
 */
export function headerText(name: string): string {
  if (plainName.test(name)) return name;
  return name.replace(/[^\x21-\x7e]+|[%,]/g, (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

const plainName = /^[\x21-\x24\x26-\x2b\x2d-\x7e]*$/;

/**
 * Adds who calls and by which grants to a flat list of names and values; each is always there, if need be empty.
 */
export function identityHeaders(
  { identity, decision, id, assertion }: Pick<Admission, 'identity' | 'decision' | 'id' | 'assertion'>,
  into: string[] = [],
): string[] {
  const { memory, input, result } = decision;
  memory.headers ??= [
    'x-grantgate-subject',
    headerText(identity.subject),
    'x-grantgate-groups',
    input.groups.map(headerText).join(','),
    'x-grantgate-grants',
    result.grants.join(','),
  ];
  for (const text of memory.headers) into.push(text);
  into.push('x-grantgate-decision', id, 'x-grantgate-assertion', assertion ?? '');
  return into;
}
