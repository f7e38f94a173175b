import { type ChildProcess, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import { gitEnvironment } from '../../bundle/git/gitEnvironment.ts';
import type { Core } from './model/core.ts';
import { synchronize } from './model/synchronize.ts';
import { mayWrite, type User } from './model/users.ts';

/** The three addresses of smart HTTP. Nothing of a request's path reaches the file system. */
const services = /^\/(info\/refs|git-upload-pack|git-receive-pack)$/;

const config = {
  'http.receivepack': 'true',
  'http.getanyfile': 'false',
  'uploadpack.allowAnySHA1InWant': 'true',
  'uploadpack.allowFilter': 'true',
  // Pull request refs are the forge's: readable, never pushed.
  'receive.hideRefs': 'refs/pull',
  'receive.denyDeleteCurrent': 'refuse',
  'receive.autogc': 'false',
  'safe.directory': '*',
};

function refuse(response: ServerResponse, status: number, text: string): undefined {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="Git"' } : {}),
  });
  response.end(`${text}\n`);
}

/** Turns a CGI header block into status and headers. */
function cgiHeaders(block: string): { status: number; headers: [string, string][] } {
  let status = 200;
  const headers: [string, string][] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10) || 200;
    else headers.push([name, value]);
  }
  return { status, headers };
}

const headerEnd = (bytes: Buffer): { end: number; next: number } | null => {
  const crlf = bytes.indexOf('\r\n\r\n');
  const lf = bytes.indexOf('\n\n');
  if (crlf !== -1 && (lf === -1 || crlf < lf)) return { end: crlf, next: crlf + 4 };
  return lf === -1 ? null : { end: lf, next: lf + 2 };
};

type Asked = {
  /** Of the path, what comes behind the repository's address. */
  rest: string;
  query: string;
  user: User | undefined;
  /** Where the processes are held that answer. */
  running: Set<ChildProcess>;
};

/**
 * Answers Git over HTTP through `git http-backend`. Anybody may read; a push needs a token that may write, and by the
 * time it is answered its webhooks are on their way and the pull requests have followed.
 */
export function serveGit(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  { rest, query, user, running }: Asked,
): undefined {
  const method = request.method ?? '';
  if (!services.test(rest)) return refuse(response, 404, 'Not Found');
  if (method !== (rest === '/info/refs' ? 'GET' : 'POST')) return refuse(response, 405, 'Method Not Allowed');
  const wantsPush = rest === '/git-receive-pack' || query === 'service=git-receive-pack';
  if (wantsPush && user === undefined) return refuse(response, 401, 'Authentication is needed to push.');
  if (wantsPush && !mayWrite(user)) return refuse(response, 403, 'This account may not push here.');

  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? {} : { [name]: value };
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...gitEnvironment({ protocol: 'file', globalConfig: '/dev/null', config }),
      GIT_PROJECT_ROOT: dirname(core.git.repository),
      PATH_INFO: `/${basename(core.git.repository)}${rest}`,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_HTTP_MAX_REQUEST_BUFFER: '10M',
      REQUEST_METHOD: method,
      QUERY_STRING: query,
      REMOTE_ADDR: '127.0.0.1',
      ...optional('REMOTE_USER', user?.login),
      ...optional('CONTENT_TYPE', header('content-type')),
      ...optional('CONTENT_LENGTH', header('content-length')),
      ...optional('HTTP_CONTENT_ENCODING', header('content-encoding')),
      ...optional('GIT_PROTOCOL', header('git-protocol')),
    },
  });
  running.add(child);
  request.pipe(child.stdin);
  // A client gone midway never ends its body, and the backend would wait for the rest for ever.
  request.on('close', () => {
    if (!request.complete) child.kill();
  });
  child.stdin.on('error', () => {});
  child.stderr.resume();

  let head: Buffer | null = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === null) {
      if (!response.write(chunk)) {
        child.stdout.pause();
        response.once('drain', () => child.stdout.resume());
      }
      return;
    }
    head = Buffer.concat([head, chunk]);
    const found = headerEnd(head);
    if (found === null) return;
    const { status, headers } = cgiHeaders(head.toString('latin1', 0, found.end));
    const body = head.subarray(found.next);
    head = null;
    response.writeHead(status, headers.flat());
    if (body.length > 0) response.write(body);
  });
  child.on('error', () => refuse(response, 500, 'git http-backend could not be started.'));
  child.on('close', async (code) => {
    running.delete(child);
    if (rest === '/git-receive-pack' && user !== undefined)
      await core.exclusive(() => synchronize(core, user)).catch(() => {});
    if (response.headersSent) {
      // A backend that failed midway must not look like a short but complete answer.
      if (code === 0) response.end();
      else response.destroy();
    } else refuse(response, 500, 'git http-backend gave no answer.');
  });
  response.on('close', () => {
    if (child.exitCode === null && rest !== '/git-receive-pack') child.kill();
  });
}
