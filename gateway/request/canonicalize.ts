import { Refusal } from '../http/refusal.ts';
import { remember } from '../memory/remember.ts';

/** What routing, policy, log and upstream all use; nothing looks at the raw request line after this. */
export type CanonicalRequest = {
  readonly method: Method;
  /** Lower case, without port and trailing dot. */
  readonly host: string;
  /** RFC 3986 normal form: no dot segments, no empty segments, escapes in upper case and only where needed. */
  readonly path: string;
  /** With its leading `?`, byte for byte as sent; empty when there is none. */
  readonly query: string;
};

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type Method = (typeof methods)[number];
const known: ReadonlySet<string> = new Set(methods);
const isMethod = (value: string): value is Method => known.has(value);

const longestTarget = 8192;
/** Of a path; what each costs, strangers could ask for thousands of times in one. */
const most = { segments: 256, escapes: 1024 };

// The common case in one pass: segments of plain characters that do not begin with a dot.
const plainPath =
  /^(?:\/(?:[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)?)$|^(?:\/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+\/?$/;
const segmentCharacters = /^[A-Za-z0-9._~!$&'()*+,=:@%-]*$/;
const queryCharacters = /^[\x21\x22\x24-\x7e]*$/;
const hostName =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:.]{2,45}\])$/;
const unreserved = /^[A-Za-z0-9._~-]$/;

const bad = (code: string, message: string) => new Refusal(400, code, message);

/**
 * Brings method, Host and request target into their one form. What two parsers could read in two ways is refused:
 * dot segments, empty segments, backslashes, path parameters (`;`), broken or double escapes, bytes that are no UTF-8,
 * fragments, and an absolute form that disagrees with Host. An encoded slash stays `%2F`, and is refused where it could
 * make another of these; whether it may stand at all depends on the operation. `rawHeaders` as Node gives them.
 * Throws Refusal (400, 405, 414).
 */
export function canonicalize(
  method: string,
  target: string,
  rawHeaders: readonly string[],
  hostNamed: typeof normalHost = normalHost,
): CanonicalRequest {
  if (!isMethod(method)) {
    throw new Refusal(405, 'method-not-allowed', 'This method is not served here.', {
      allow: methods.join(', '),
    });
  }
  if (target.length > longestTarget)
    throw new Refusal(414, 'target-too-long', 'The request target is too long.');
  const host = hostNamed(hostHeader(rawHeaders));
  let local = target;
  if (target.charCodeAt(0) !== 0x2f) {
    const absolute = /^https?:\/\/([^/?#]+)(\/.*)?$/i.exec(target);
    if (absolute?.[1] === undefined)
      throw bad('target-malformed', 'The request target must begin with a slash.');
    const scheme = target.charCodeAt(4) === 0x3a ? '80' : '443';
    if (
      normalHost(absolute[1]) !== host ||
      portOf(absolute[1], scheme) !== portOf(hostHeader(rawHeaders), scheme)
    )
      throw bad('host-ambiguous', 'The request target and the Host header disagree.');
    local = absolute[2] ?? '/';
  }
  const mark = local.indexOf('?');
  const path = mark < 0 ? local : local.slice(0, mark);
  const query = mark < 0 ? '' : local.slice(mark);
  if (query !== '' && !queryCharacters.test(query)) {
    throw bad('query-malformed', 'The query holds characters that must be escaped.');
  }
  return { method, host, path: plainPath.test(path) ? path : normalPath(path), query };
}

function normalPath(path: string): string {
  if (countUpTo(path, '/', most.segments) || countUpTo(path, '%', most.escapes))
    throw bad('path-too-deep', 'The path has too many segments or escapes.');
  const segments = path.slice(1).split('/');
  const last = segments.length - 1;
  for (const [index, raw] of segments.entries()) {
    if (!segmentCharacters.test(raw))
      throw bad('path-malformed', 'The path holds characters that are not allowed in one.');
    const segment = raw.includes('%') ? normalEscapes(raw) : raw;
    assertPlain(segment, index === last);
    // To whoever decodes it too early, each piece would be a segment.
    if (segment.includes(encodedSlash))
      for (const piece of segment.split(encodedSlash)) assertPlain(piece, false);
    segments[index] = segment;
  }
  return `/${segments.join('/')}`;
}

function assertPlain(segment: string, mayBeEmpty: boolean): void {
  if (segment === '.' || segment === '..')
    throw bad('path-ambiguous', 'The path must not hold "." or ".." segments.');
  if (segment === '' && !mayBeEmpty) throw bad('path-ambiguous', 'The path must not hold empty segments.');
}

const encodedSlash = '%2F';
/** Whether a canonical path holds an encoded slash. */
export const hasEncodedSlash = ({ path }: Pick<CanonicalRequest, 'path'>): boolean =>
  path.includes(encodedSlash);
export const encodedSlashRefused = () =>
  bad('path-ambiguous', 'The path must not hold an encoded slash here.');

/** Decodes escaped unreserved characters (RFC 3986, 6.2.2.2), puts the other escapes in upper case. */
function normalEscapes(segment: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(segment))
    throw bad('escape-malformed', 'The path holds a broken percent escape.');
  try {
    decodeURIComponent(segment);
  } catch {
    // Overlong forms such as %C0%AE are "." to a lenient decoder.
    throw bad('escape-malformed', 'The escapes of the path are not UTF-8.');
  }
  const normal = segment.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    const byte = Number.parseInt(hex, 16);
    if (byte === 0x5c || byte === 0x3b || byte < 0x20 || byte === 0x7f) {
      throw bad(
        'path-ambiguous',
        'The path must not hold escaped backslashes, semicolons or control characters.',
      );
    }
    const character = String.fromCharCode(byte);
    return byte < 0x80 && unreserved.test(character) ? character : `%${hex.toUpperCase()}`;
  });
  // %252e is "%2e" to the first decoder and "." to a second one further on; so is %25%32%65 once it is in this form.
  if (/%25(?:[01][0-9a-f]|2[35ef]|3[bf]|5c|7f)/i.test(normal))
    throw bad('path-ambiguous', 'The path holds a doubly escaped character.');
  return normal;
}

/** Whether a sign stands in a text more often than that. */
function countUpTo(text: string, sign: string, bound: number): boolean {
  let count = 0;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
    count += 1;
    if (count > bound) return true;
  }
  return false;
}

/** The port in a host, or that of the scheme, without leading zeros. */
const portOf = (host: string, usual: string): number => Number(/:([0-9]+)$/.exec(host)?.[1] ?? usual);

function hostHeader(rawHeaders: readonly string[]): string {
  let host: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name !== undefined && name.length === 4 && name.toLowerCase() === 'host') {
      if (host !== undefined) throw bad('host-ambiguous', 'The request has more than one Host header.');
      host = rawHeaders[index + 1];
    }
  }
  if (host === undefined) throw bad('host-missing', 'The request has no Host header.');
  return host;
}

/** Longer than any name that is one: it is refused anyway, and not remembered either. */
const longestHost = 261;

/** How hosts are read, for whoever reads many: few names come again and again. */
export const rememberHosts = (): typeof normalHost => remember(normalHost, 1000);

function normalHost(value: string): string {
  if (value.length > longestHost) throw bad('host-malformed', 'The Host header is malformed.');
  const lower = value.toLowerCase();
  const port = /:([0-9]*)$/.exec(lower);
  if (port?.[1] !== undefined && (port[1] === '' || Number(port[1]) > 65535)) {
    throw bad('host-malformed', 'The Host header holds a bad port.');
  }
  const bare = port === null ? lower : lower.slice(0, port.index);
  const name = bare.endsWith('.') ? bare.slice(0, -1) : bare;
  if (!hostName.test(name)) throw bad('host-malformed', 'The Host header is malformed.');
  return name;
}
