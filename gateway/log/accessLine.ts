import { maskTokens } from '../../bundle/format/maskTokens.ts';

/** A request and its answer, as an access log tells them. */
export type Access = {
  /** Milliseconds since 1970, when it came. */
  atMs: number;
  milliseconds: number;
  address: string;
  subject: string | null;
  method: string;
  /** As it came; the query and what else could be a credential is left out of the line. */
  target: string;
  /** `1.1`. */
  version: string;
  /** 499: the caller left before there was an answer. */
  status: number;
  /** Of the answer's body. */
  bytes: number;
  referer: string | undefined;
  userAgent: string | undefined;
  api: string | null;
  operation: string | null;
  decisionId: string | null;
};

export type AccessFormat = 'combined' | 'json';

const longest = { path: 2048, text: 512 };
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * One line of an access log. Whatever a caller sent is cut to a bound and escaped: no line of it is two, none reads as
 * another, none steers a terminal. Queries, and what has the form of a credential, never come into it.
 */
export function accessLine(access: Access, format: AccessFormat): string {
  return format === 'json' ? jsonLine(access) : combinedLine(access);
}

/** Apache's and nginx's combined format. */
function combinedLine(access: Access): string {
  const { atMs, address, subject, method, version, status, bytes } = access;
  const date = new Date(atMs);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const user = subject === null || subject === '' ? '-' : escaped(subject, /[^\x21-\x7e]|["\\]/gu);
  const request = `${quotable(method)} ${quotable(pathOf(access.target))} HTTP/${quotable(version)}`;
  const [referer, agent] = [refererOf(access.referer), agentOf(access.userAgent)];
  return `${quotable(address)} - ${user} [${day}:${time} +0000] "${request}" ${status} ${bytes} "${quotable(referer ?? '-')}" "${quotable(agent ?? '-')}"\n`;
}

function jsonLine(access: Access): string {
  const { atMs, milliseconds, address, subject, method, version, status, bytes } = access;
  const line = JSON.stringify({
    access: true,
    time: new Date(atMs).toISOString(),
    address,
    subject,
    method,
    path: pathOf(access.target),
    protocol: `HTTP/${version}`,
    status,
    bytes,
    duration_ms: Math.round(milliseconds * 10) / 10,
    referer: refererOf(access.referer),
    user_agent: agentOf(access.userAgent),
    api: access.api,
    operation: access.operation,
    decision_id: access.decisionId,
  });
  // Letters stay as they are; what breaks a line, turns text around or steers a terminal does not.
  return `${line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, unicode)}\n`;
}

const quotable = (text: string) => escaped(text, /[^\x20-\x7e]|["\\]/gu);

/** As nginx does: the bytes of what is matched as `\xHH`. */
const escaped = (text: string, what: RegExp) =>
  text.replace(what, (sign) =>
    [...Buffer.from(sign)].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );

const unicode = (sign: string) =>
  [...sign.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** A target's path: what a caller wrote before it may be a name and a password, and behind it is the query. */
function pathOf(target: string): string {
  const local = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const path = /^[^?#]*/.exec(local)?.[0] ?? '';
  return bounded(path === '' ? '-' : path, longest.path);
}

function refererOf(referer: string | undefined): string | null {
  if (referer === undefined) return null;
  const bare = (/^[^?#]*/.exec(referer)?.[0] ?? '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');
  return bounded(bare, longest.text);
}

const agentOf = (agent: string | undefined) => (agent === undefined ? null : bounded(agent, longest.text));

const mark = '[credential]';
const credential = /gg_[A-Za-z0-9]{4,32}_[A-Za-z0-9_-]+|\b(?:bearer|basic)(?:\s|%20)+[^\s"]+/gi;

/** Masked before it is cut: a part of a credential is none any more to the eye, and still most of its secret. */
function bounded(text: string, most: number): string {
  const masked = maskTokens(text.slice(0, 4 * most), mark).replace(credential, mark);
  return masked.length > most ? `${masked.slice(0, most)}…` : masked;
}
