import type { IncomingHttpHeaders } from 'undici/types/header.d.ts';
import { holdsToken } from '../../bundle/format/maskTokens.ts';
import { nominated, nominatedBy } from '../http/nominated.ts';
import { isReserved } from './reservedHeaders.ts';

// RFC 9110, 7.6.1: these speak to the next hop only.
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const replaced = new Set(['host', 'expect', 'content-length']);

/** Whether a client's header may reach an upstream. */
function passes(name: string): boolean {
  const lower = name.toLowerCase();
  return !hopByHop.has(lower) && !replaced.has(lower) && !isReserved(lower);
}

/** `passes` that remembers its verdicts by the spelling: few, of short names, as strangers make them up. */
function rememberVerdicts(): typeof passes {
  const verdicts = new Map<string, boolean>();
  return (name) => {
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = passes(name);
    if (name.length > remembered.length) return verdict;
    if (verdicts.size >= remembered.names) verdicts.clear();
    verdicts.set(name, verdict);
    return verdict;
  };
}

const remembered = { names: 2000, length: 64 };

const nothing: ReadonlySet<string> = new Set();

/**
 * Tells of a client's headers those that may reach an upstream, as a flat list of names and values in their order;
 * without the `malformed` ones (in lower case).
 */
export type Forwardable = (rawHeaders: readonly string[], malformed?: ReadonlySet<string>) => string[];

export function createForwardable(): Forwardable {
  const passesHere = rememberVerdicts();
  return (rawHeaders, malformed = nothing) => {
    const dropped = nominated(rawHeaders);
    const kept: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index];
      const value = rawHeaders[index + 1];
      if (name === undefined || value === undefined || !passesHere(name)) continue;
      if (dropped.size > 0 && dropped.has(name.toLowerCase())) continue;
      if (malformed.size > 0 && malformed.has(name.toLowerCase())) continue;
      if (name.length === 22 && name.toLowerCase() === 'sec-websocket-protocol') {
        const protocols = withoutTokens(value);
        if (protocols !== '') kept.push(name, protocols);
      } else kept.push(name, value);
    }
    return kept;
  };
}

const announcesToken = /^(?:bearer|token|access[-_]token|authorization|jwt|api[-_]?key)$/i;
const isToken = /^base64url\.bearer\.|^gg_[A-Za-z0-9]{4,32}_/;

/** Browsers can send no other header with a WebSocket, so tokens stand among the protocols: alone, or behind a word for them. */
function withoutTokens(value: string): string {
  const protocols = value.split(',').map((protocol) => protocol.trim());
  return protocols
    .filter(
      (protocol, index) =>
        !isToken.test(protocol) && !holdsToken(protocol) && !announcesToken.test(protocols[index - 1] ?? ''),
    )
    .join(', ');
}

/**
 * Adds an upstream's response headers to a flat list of names and values, without what was meant for us only, nor what
 * only we may say. Names come in lower case, as undici gives them.
 */
export function respondable(headers: IncomingHttpHeaders, into: string[]): string[] {
  const dropped = nominatedBy(headers.connection);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || notForCallers.has(name) || dropped.has(name)) continue;
    if (typeof value === 'string') into.push(name, value);
    else for (const one of value) into.push(name, one);
  }
  return into;
}

const notForCallers: ReadonlySet<string> = new Set([...hopByHop, 'x-grantgate-decision', '__proto__']);

// RFC 9110, 6.5.1: framing, routing, authentication, and what says how the answer is to be read, come before it.
const notTrailing =
  /^(?:content-(?:length|type|encoding|range|language|location|disposition|security-policy.*)|set-cookie2?|cache-control|authorization|(?:www|proxy)-authenticate|authentication-info|location|refresh|host|age|date|expires|pragma|vary|retry-after|warning|etag|last-modified|clear-site-data|strict-transport-security|link|alt-svc|access-control-.*|cross-origin-.*|x-content-type-options|x-frame-options|x-grantgate-.*|ratelimit(?:-.*)?|sec-.*)$/;

/** The trailers of an upstream's answer that mean nothing which a header would. */
export function trailing(trailers: IncomingHttpHeaders): string[] {
  const kept: IncomingHttpHeaders = {};
  for (const name in trailers) if (!notTrailing.test(name)) kept[name] = trailers[name];
  return respondable(kept, []);
}

/** A flat list of names and values as an object, names in lower case; one may be called as what every object has. */
export function headersOf(flat: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index < flat.length; index += 2) {
    const name = (flat[index] ?? '').toLowerCase();
    const value = flat[index + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
