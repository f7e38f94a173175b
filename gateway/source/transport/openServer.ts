import type { Dispatcher } from 'undici';
import { SourceError } from '../contract/source.ts';
import type { TlsFiles } from './openConnections.ts';

/** A request as it is about to be sent. */
export type Outgoing = {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: Buffer;
};

/** The headers that prove who asks. */
export type Authorize = (
  request: Outgoing,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

/** `atHome`: it came from the origin that was asked, not from one it sent us on to. */
export type Answer = Dispatcher.ResponseData & { readonly atHome: boolean };

export type Server = {
  /**
   * Asks, and follows redirects of GET and HEAD within the allowed origins. `authorize` is asked for the first origin
   * only: no credential follows a redirect elsewhere. Throws SourceError `source-redirected`, `source-invalid`, and
   * errors of the transport as they come.
   */
  ask(request: Outgoing & { signal: AbortSignal; authorize?: Authorize | undefined }): Promise<Answer>;
  close(): Promise<void>;
};

export type ServerOptions = {
  /** Whatever lies at this address's origin may be asked. */
  url: string;
  /** Origins beside that one to which the server may send us on. */
  redirectOrigins?: readonly string[] | undefined;
  tls?: TlsFiles | undefined;
  connectMs: number;
};

const redirects = [301, 302, 303, 307, 308];

/** The way to one server that has bundles. Answers are the caller's to read or to dump. */
export function openServer({ url, redirectOrigins = [], tls = {}, connectMs }: ServerOptions): Server {
  const origin = new URL(url).origin;
  // A hundred modules, which whoever follows Git or a file need not load.
  const load = async () => {
    const [{ request }, { openConnections }] = await Promise.all([
      import('undici'),
      import('./openConnections.ts'),
    ]);
    return { request, connections: openConnections({ origin, tls, connectMs }) };
  };
  let loading: ReturnType<typeof load> | null = null;
  const opened = () => {
    loading ??= load();
    return loading;
  };
  const assertAllowed = (to: URL | null): URL => {
    if (to !== null && (to.origin === origin || redirectOrigins.includes(to.origin))) return to;
    throw new SourceError(
      'source-redirected',
      to === null
        ? 'the bundle server sends us elsewhere and names no address (is a bucket in another region?)'
        : `the bundle server sends us to another origin, ${to.origin}`,
    );
  };

  return {
    async ask({ method = 'GET', url: first, headers, body, signal, authorize }) {
      const home = assertAllowed(URL.parse(first)).origin;
      const { request, connections } = await opened();
      let target = first;
      for (let hops = 0; hops <= 5; hops += 1) {
        const to = assertAllowed(URL.parse(target));
        const atHome = to.origin === home;
        const outgoing = { method, url: target, headers, ...(body === undefined ? {} : { body }) };
        const proof = atHome ? await authorize?.(outgoing) : undefined;
        const response = await request(target, {
          dispatcher: connections.to(to.origin),
          signal,
          method,
          headers: { ...headers, ...proof },
          ...(body === undefined ? {} : { body }),
        });
        if (!redirects.includes(response.statusCode)) return Object.assign(response, { atHome });
        await response.body.dump();
        target = assertAllowed(URL.parse(String(response.headers.location), target)).href;
        if (method !== 'GET' && method !== 'HEAD')
          throw new SourceError('source-redirected', `the bundle server redirects a ${method}`);
      }
      throw new SourceError('source-redirected', 'the bundle server redirects in circles');
    },
    close: async () => (await loading)?.connections.close(),
  };
}
