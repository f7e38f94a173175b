import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export type FormTokens = {
  /** The hidden value a form posting to `path` carries. */
  issue: (path: string) => string;
  /** Whether a request comes from one of the forge's own pages with the token of that very form. */
  accepts: (request: IncomingMessage, path: string, token: string) => boolean;
};

/**
 * Guards forms against other sites. The pages have no log-in, so the browser's word on where a request comes from
 * (Sec-Fetch-Site, Origin) is checked, and a token that only a page of this forge, read by its reader, can know.
 */
export function createFormTokens(origins: () => readonly string[]): FormTokens {
  const secret = randomBytes(32);
  const issue = (path: string) => createHmac('sha256', secret).update(path).digest('base64url');
  return {
    issue,
    accepts: (request, path, token) => {
      const site = request.headers['sec-fetch-site'];
      const { origin } = request.headers;
      if (site !== undefined && site !== 'same-origin') return false;
      if (origin !== undefined && !origins().includes(origin)) return false;
      const [wanted, got] = [Buffer.from(issue(path)), Buffer.from(token)];
      return wanted.length === got.length && timingSafeEqual(wanted, got);
    },
  };
}
