import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../bundle/format/isLoopback.ts';

/** A request is turned away. The text says what would be taken, and repeats nothing that was sent. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

type Asked = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** Lets a request in, and answers what it asks for; throws {@link Refused}. `token` null: this machine alone. */
export function guard(
  { method, url = '', headers }: Asked,
  token: string | null,
): { path: string; query: URLSearchParams } {
  if (token === null) assertOurs(headers.host);
  else assertToken(headers.authorization, token);
  if (method !== 'GET' && method !== 'HEAD')
    throw new Refused(405, 'The console only shows: GET it.', { allow: 'GET, HEAD' });
  // Another site may lead a person here, but not load from here: what it cannot read may still keep us busy.
  const site = headers['sec-fetch-site'];
  const visits = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !visits)
    throw new Refused(403, 'Other sites may not load this.');
  // One form of target only: what would have to be resolved or decoded is none of our pages.
  const [, path = '', search = ''] = /^(\/[a-z/]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (path === '') throw new Refused(404, 'There is no such page.');
  return { path, query: new URLSearchParams(search) };
}

/** A page whose name was made to resolve to this machine (DNS rebinding) comes under its own name. */
function assertOurs(host = ''): void {
  if (!isLoopback(URL.parse(`http://${host}`)?.hostname ?? ''))
    throw new Refused(421, 'Without a token, only a loopback address names this console.');
}

/** As a browser asks its user for it (Basic, any user name), or as a program sends it (Bearer). */
function assertToken(authorization = '', token: string): void {
  const [, bearer] = /^bearer (.+)$/i.exec(authorization) ?? [];
  const [, basic] = /^basic ([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
  const given =
    bearer ??
    (basic === undefined
      ? ''
      : Buffer.from(basic, 'base64')
          .toString()
          .replace(/^[^:]*:/, ''));
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(given), digest(token)))
    throw new Refused(401, 'The token of this console is needed, as the password.', {
      'www-authenticate': 'Basic realm="grantgate console", charset="UTF-8"',
    });
}
