import type { ChildProcess } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Core } from './model/core.ts';
import type { createFaults } from './model/faults.ts';
import { createServeApi, graphqlPath, tokenOf, type Watched } from './serveApi.ts';
import { serveGit } from './serveGit.ts';
import { createServePages } from './servePages.ts';

type Options = {
  core: Core;
  faults: ReturnType<typeof createFaults>;
  watch?: ((call: Watched) => void) | undefined;
};

type Call = { method: string; path: string; status: number };

const mostCalls = 1000;

/** What the forge answers by: its REST API, Git over HTTP for the one repository, and pages for everything else. */
export function createServeForge({ core, faults, watch }: Options) {
  const calls: Call[] = [];
  const running = new Set<ChildProcess>();
  const serveApi = createServeApi(core, faults, watch);
  const servePages = createServePages(core);
  const repositoryPath = `/${core.owner}/${core.name}`;

  /** Status 0: the answer was cut. */
  const noteCall = (method: string, path: string, response: ServerResponse) => {
    calls.push({ method, path, status: response.writableEnded ? response.statusCode : 0 });
    if (calls.length > mostCalls) calls.shift();
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A name rebound to 127.0.0.1 by a hostile DNS server shows in Host.
    const host = request.headers.host ?? '';
    const port = new URL(core.url()).port;
    if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
      response.writeHead(421, { 'content-type': 'text/plain' }).end('This host is not served here.\n');
      return;
    }
    const target = URL.parse(`http://${host}${request.url}`);
    if (target === null || !request.url?.startsWith('/')) {
      response.writeHead(400).end();
      return;
    }
    const path = target.pathname;
    if (path.startsWith('/api/v3/') || path === '/api/v3' || path === graphqlPath) {
      response.on('close', () => noteCall(request.method ?? '', path, response));
      return serveApi(request, response, target);
    }
    for (const base of [`${repositoryPath}.git`, repositoryPath]) {
      if (/^\/(info\/refs$|git-)/.test(path.slice(base.length)) && path.startsWith(`${base}/`)) {
        const token = tokenOf(request.headers.authorization);
        const user = token === null ? undefined : core.users.withToken(token);
        const rest = path.slice(base.length);
        return serveGit(core, request, response, { rest, query: target.search.slice(1), user, running });
      }
    }
    return servePages(request, response, target);
  }

  return {
    serve,
    calls: calls as readonly Call[],
    repositoryPath,
    /** Ends what Git still runs for somebody. */
    stop: (): void => {
      for (const child of running) child.kill();
    },
  };
}
