import type { IncomingMessage } from 'node:http';
import type { ReceivedRequest } from '../decision/admission.ts';
import { Refusal } from '../http/refusal.ts';
import { canonicalize } from '../request/canonicalize.ts';

/** Where proxies ask; Envoy appends the original target to it. */
export const authorizePath = '/authorize';

type Spelling = { method: string; target: string; host: string };
// nginx sends what its configuration names; Traefik and Caddy set theirs on every question.
const original: Spelling = { method: 'x-original-method', target: 'x-original-uri', host: 'x-original-host' };
const forwarded: Spelling = {
  method: 'x-forwarded-method',
  target: 'x-forwarded-uri',
  host: 'x-forwarded-host',
};
const hops = 'x-forwarded-for';
const named = new Set([...Object.values(original), ...Object.values(forwarded), hops, 'host']);

/** The proxy leaves something out that a decision needs. */
export const incomplete = () =>
  new Refusal(
    400,
    'forwarded-incomplete',
    'The proxy must name method, host, target and address of the request.',
  );
const ambiguous = () =>
  new Refusal(400, 'forwarded-ambiguous', 'The proxy names the original request in more than one way.');

/**
 * The request that a proxy asks about, less its address: from X-Original-* (nginx), X-Forwarded-* (Traefik, Caddy),
 * or from the path after the prefix (Envoy). A header that is missing, doubled or of another spelling refuses: each
 * proxy overwrites only its own, so any other comes from the client. Throws Refusal (400, 405, 414).
 */
export function originalRequest(request: IncomingMessage): Omit<ReceivedRequest, 'address'> {
  const { url = '', rawHeaders } = request;
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    const name = header.toLowerCase();
    if (!named.has(name)) rest.push(header, value);
    else if (values.has(name) && name !== hops) throw ambiguous();
    else values.set(name, value);
  }
  // Without it the caller would pass for the proxy, and so be in the proxy's networks.
  if (!values.has(hops)) throw incomplete();
  const has = (...names: string[]) => names.some((name) => values.has(name));
  let asked: { method: string | undefined; target: string | undefined; host: string | undefined };
  if (url.startsWith(`${authorizePath}/`)) {
    if (has(...Object.values(original), forwarded.method, forwarded.target)) throw ambiguous();
    asked = { method: request.method, target: url.slice(authorizePath.length), host: values.get('host') };
  } else {
    const nginx = has(...Object.values(original));
    if (nginx && has(forwarded.method, forwarded.target)) throw ambiguous();
    const { method, target, host } = nginx ? original : forwarded;
    asked = { method: values.get(method), target: values.get(target), host: values.get(host) };
  }
  const { method, target, host } = asked;
  if (!method || !target || !host) throw incomplete();
  const headers = [...rest, 'host', host];
  assertCanonical(method, target, headers);
  return { method, target, rawHeaders: headers };
}

/**
 * The proxy forwards the target as it came, so only one that is in its one form already may be decided: what the
 * upstream reads is what was asked. The case of hexadecimal digits changes no meaning.
 */
function assertCanonical(method: string, target: string, rawHeaders: readonly string[]): void {
  const canonical = canonicalize(method, target, rawHeaders);
  const [path = ''] = target.split('?', 1);
  if (path.replace(/%[0-9a-f]{2}/gi, (digits) => digits.toUpperCase()) !== canonical.path)
    throw new Refusal(400, 'path-ambiguous', 'The path must come without escapes that it does not need.');
}
