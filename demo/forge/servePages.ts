import type { IncomingMessage, ServerResponse } from 'node:http';
import { readCapped } from '../../bundle/format/readCapped.ts';
import { addComment } from './api/comments.ts';
import { ApiError } from './model/apiError.ts';
import { type Core, findIssue, isPull } from './model/core.ts';
import { mergePull } from './model/mergePull.ts';
import { longestBody } from './model/openPull.ts';
import { comparedWith } from './model/pullFacts.ts';
import { closeRecord } from './model/pullState.ts';
import type { Issue, PullIssue } from './model/state.ts';
import { synchronize } from './model/synchronize.ts';
import { updatePull } from './model/updatePull.ts';
import { createFormTokens } from './pages/formToken.ts';
import { type Html, html } from './pages/html.ts';
import { layout } from './pages/layout.ts';
import { homePage, listPage, pageOf } from './pages/lists.ts';
import { issuePage, pullPage } from './pages/pull.ts';
import { commitPage, rawFile, sourcePage } from './pages/source.ts';
import { picture, style } from './pages/style.ts';

/** What a form on the page of an issue asks for. */
type Posted = { path: string; issue: Issue; verb: string };

const mostForm = 512 * 1024;

const headers = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // Not "no-referrer": browsers then send "Origin: null" with the forge's own forms.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): undefined {
  response.writeHead(status, { ...headers, 'content-type': `${type}; charset=utf-8` });
  response.end(body);
}

const sendPage = (response: ServerResponse, page: Html, status = 200) =>
  send(response, status, 'text/html', page.text);

async function readForm(request: IncomingMessage): Promise<URLSearchParams | null> {
  const body = await readCapped(request, mostForm);
  return body === null ? null : new URLSearchParams(body.toString());
}

export type ServePages = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<undefined>;

/** Answers the pages for people. Every change is a form, guarded by `createFormTokens`. */
export function createServePages(core: Core): ServePages {
  const origins = () => [core.url(), core.url().replace('127.0.0.1', 'localhost')];
  const tokens = createFormTokens(origins);
  const forms = { core, tokens };
  const missing = (response: ServerResponse) =>
    sendPage(response, layout(core, 'Not found', html`<h1>Not found</h1><p>There is nothing here.</p>`), 404);

  async function act(issue: Issue, verb: string, form: URLSearchParams): Promise<void> {
    const by = core.viewer;
    const body = (form.get('body') ?? '').replace(/\r\n/g, '\n').trim();
    if (verb === 'comment' && body !== '' && [...body].length <= longestBody)
      await addComment(core, issue.number, body, by);
    else if (verb === 'merge' && isPull(issue)) await mergePull(core, issue, { method: 'merge' }, by);
    else if (verb === 'close' && isPull(issue)) await updatePull(core, issue, { state: 'closed' }, by);
    else if (verb === 'reopen' && isPull(issue)) await updatePull(core, issue, { state: 'open' }, by);
    else if (verb === 'close' && issue.state === 'open') {
      closeRecord(core, issue, by);
      await core.state.save();
    } else throw new ApiError(422, 'This cannot be done.');
  }

  async function post(request: IncomingMessage, response: ServerResponse, { path, issue, verb }: Posted) {
    const form = await readForm(request);
    if (form === null) {
      response.setHeader('connection', 'close');
      return send(response, 413, 'text/plain', 'Too large.\n');
    }
    if (!tokens.accepts(request, path, form.get('token') ?? ''))
      return send(
        response,
        403,
        'text/plain',
        'This form was not sent from its own page. Reload the page.\n',
      );
    try {
      await act(issue, verb, form);
    } catch (error) {
      if (!(error instanceof ApiError) || !isPull(issue)) throw error;
      return sendPage(
        response,
        await pullPage(forms, issue, error.message),
        error.status === 405 ? 409 : error.status,
      );
    }
    response.writeHead(303, { ...headers, location: pageOf(core, issue) });
    response.end();
  }

  async function pullDiff(response: ServerResponse, issue: PullIssue) {
    const base = comparedWith(core, issue);
    const { stdout } = await core.git.run(['diff', '--no-ext-diff', `${base}...${issue.pull.head.sha}`]);
    return send(response, 200, 'text/plain', stdout);
  }

  return async (request, response, url) => {
    const path = url.pathname;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads && request.method !== 'POST')
      return send(response, 405, 'text/plain', 'Method not allowed.\n');
    if (reads && path === '/style.css') return send(response, 200, 'text/css', style);
    if (reads && path === '/avatar.svg') return send(response, 200, 'image/svg+xml', picture);
    await core.exclusive(() => synchronize(core, core.viewer));
    if (reads && path === '/') return sendPage(response, await homePage(core));

    let parts: string[];
    try {
      parts = path.slice(1).split('/').map(decodeURIComponent);
    } catch {
      return send(response, 400, 'text/plain', 'This address is malformed.\n');
    }
    const [owner, name, kind, ...rest] = parts;
    if (owner !== core.owner || name !== core.name) return missing(response);
    const [first = '', verb] = rest;
    const numbered = first.match(/^(\d{1,9})(\.diff|\.patch)?$/);
    const issue = numbered === null ? undefined : findIssue(core, Number(numbered[1]));
    const fits =
      issue !== undefined && (kind === 'pull' ? isPull(issue) : kind === 'issues' && !isPull(issue));
    if (!reads) {
      if (!fits || verb === undefined || rest.length !== 2) return missing(response);
      return post(request, response, { path, issue, verb });
    }
    if (kind === undefined || (kind === '' && rest.length === 0))
      return sendPage(response, await homePage(core));
    if ((kind === 'pulls' || kind === 'issues') && rest.length === 0)
      return sendPage(response, listPage(core, kind, url.searchParams.get('state') ?? 'open'));
    if (fits && rest.length === 1 && issue !== undefined) {
      if (!isPull(issue)) return sendPage(response, issuePage(forms, issue));
      if (numbered?.[2] !== undefined) return pullDiff(response, issue);
      return sendPage(response, await pullPage(forms, issue));
    }
    if (kind === 'raw') {
      const bytes = await rawFile(core, rest);
      return bytes === null ? missing(response) : send(response, 200, 'text/plain', bytes);
    }
    const page =
      kind === 'commit' && rest.length === 1
        ? await commitPage(core, first)
        : kind === 'blob' || kind === 'tree'
          ? await sourcePage(core, rest)
          : null;
    return page === null ? missing(response) : sendPage(response, page);
  };
}
