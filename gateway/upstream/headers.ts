import type { IncomingHttpHeaders } from 'undici/types/header.d.ts';

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

// What upstreams believe about who calls and from where: only we may say it. Names are compared with `_` and `.` as
// `-`, because CGI-like servers cannot tell them apart.
const ours =
  /^(?:x-grantgate-.*|x-forwarded(?:-.*)?|forwarded|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|x-original-.*|x-rewrite-.*|x-(?:http-)?method(?:-override)?|x-user(?:-.*)?|x-auth-(?:request|user|email|groups?|roles?|subject)(?:-.*)?|x-authenticated-.*|x-remote-.*|remote-user|x-webauth-.*|x-ssl-.*|ssl-client-.*|x-client-cert.*|client-cert(?:-chain)?|x-(?:amzn-mtls|arr-clientcert|mtls|tls|spiffe)(?:-.*)?|x-principal.*|x-jwt-(?:assertion|claims?)(?:-.*)?)$/;
const credentials = new Set(['authorization', 'x-api-key']);
const replaced = new Set(['host', 'expect', 'content-length']);

/** Whether a client's header may reach an upstream. */
function passes(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    !hopByHop.has(lower) &&
    !credentials.has(lower.replaceAll(/[_.]/g, '-')) &&
    !replaced.has(lower) &&
    !ours.test(lower.replaceAll(/[_.]/g, '-'))
  );
}

/** `passes` that remembers its verdicts by the spelling; what strangers make up may not fill it without bound. */
function rememberVerdicts(): typeof passes {
  const verdicts = new Map<string, boolean>();
  return (name) => {
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = passes(name);
    if (verdicts.size < mostVerdicts) verdicts.set(name, verdict);
    return verdict;
  };
}

const mostVerdicts = 5000;

const nothing: ReadonlySet<string> = new Set();

/** What `Connection` nominates beside the usual: hop-by-hop too. It cannot take away headers we add, as those come later. */
function nominated(rawHeaders: readonly string[]): ReadonlySet<string> {
  let values: string[] | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name === undefined || name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    values ??= [];
    values.push(rawHeaders[index + 1] ?? '');
  }
  return values === null ? nothing : nominatedBy(values);
}

function nominatedBy(connection: string | readonly string[] | undefined): ReadonlySet<string> {
  if (connection === undefined) return nothing;
  const list = String(connection).toLowerCase();
  // Both stand for themselves, and nearly always alone.
  if (list === 'keep-alive' || list === 'close') return nothing;
  return new Set(list.split(',').map((token) => token.trim()));
}

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
      kept.push(name, value);
    }
    return kept;
  };
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

const notForCallers: ReadonlySet<string> = new Set([...hopByHop, 'x-grantgate-decision']);
