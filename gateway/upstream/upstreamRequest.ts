import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Admission } from '../decision/admission.ts';
import { spelledAlike } from '../http/spelledAlike.ts';
import type { ForwardedHeaders } from './forwardedHeaders.ts';
import type { Forwardable } from './headers.ts';
import { mostLetters, truncate, truncatedLists } from './truncate.ts';

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
  forwarded: ForwardedHeaders,
): string[] {
  const { trace } = admission;
  const headers = believable(forwardable(request.rawHeaders, trace?.malformed), admission);
  const length = request.headers['content-length'];
  if (length !== undefined) headers.push('content-length', length);
  if (admission.route.keepsHost === true) headers.push('host', callersHost(request, admission));
  forwarded(request, admission, headers);
  return identityHeaders(admission, headers);
}

/**
 * Without headers that are a trusted proxy's word and came from somebody else: the upstream is told nothing of which the
 * policy was not. In any spelling that CGI-like servers take for the same name.
 */
function believable(sent: string[], { enforcement, headers, route }: Admission): string[] {
  const facts = enforcement.snapshot.apis.get(route.api)?.facts;
  if (facts === undefined || headers.fromProxy?.() === true) return sent;
  const names = new Set(
    Object.values(facts).flatMap(({ from, header = '' }) => (from === 'trusted_proxies' ? [header] : [])),
  );
  const isTheirs = (name: string) => names.has(spelledAlike(name));
  return sent.filter((_, at) => !isTheirs(sent[at - (at % 2)] ?? ''));
}

/** By which name a caller called: the one that was decided on, with the port it named. */
function callersHost({ headers }: IncomingMessage, { canonical }: Admission): string {
  const port = /:[0-9]+$/.exec(headers.host ?? '')?.[0] ?? '';
  return canonical.host + port;
}

/**
 * By which name an upstream must prove itself, whatever its Host header says: else a caller could choose whose
 * certificate is good enough. Undefined where that is an address.
 */
export function serverName({ upstream }: Admission['route']): string | undefined {
  const { hostname } = new URL(upstream);
  return hostname.startsWith('[') || isIP(hostname) !== 0 ? undefined : hostname;
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

function namedIn(subject: string, allGroups: readonly string[], allGrants: readonly string[]): string[] {
  const groups = truncate(allGroups, mostLetters.groups);
  const grants = truncate(allGrants, mostLetters.grants);
  const cut = truncatedLists(groups, grants);
  return [
    'x-grantgate-subject',
    headerText(subject),
    'x-grantgate-groups',
    groups.names.join(','),
    'x-grantgate-grants',
    grants.names.join(','),
    ...(cut.length === 0 ? [] : ['x-grantgate-truncated', cut.join(',')]),
  ];
}

/**
 * Adds who calls and by which grants to a flat list of names and values; each is always there, if need be empty. A list
 * that is too long for a header is cut, and `x-grantgate-truncated` says which.
 */
export function identityHeaders(
  { identity, decision, id, assertion }: Pick<Admission, 'identity' | 'decision' | 'id' | 'assertion'>,
  into: string[] = [],
): string[] {
  const { memory, input, result } = decision;
  memory.headers ??= namedIn(identity.subject, input.groups.map(headerText), result.grants);
  for (const text of memory.headers) into.push(text);
  into.push('x-grantgate-decision', id, 'x-grantgate-assertion', assertion ?? '');
  return into;
}
