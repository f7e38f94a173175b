import { createHash } from 'node:crypto';
import { Agent, type Dispatcher, request } from 'undici';
import type { Bundle } from '../../bundle/assemble.ts';
import { sourceName } from './parseSource.ts';
import { createMemory, type Found, type Source, SourceError } from './source.ts';

export type HttpsSourceOptions = {
  url: string;
  /** Sent as a bearer token, to the origin of `url` only. */
  token?: string;
  verify: (archive: Buffer) => Promise<Bundle>;
  /** Origins beside that of `url` to which the server may redirect (release assets live on another host). */
  redirectOrigins?: readonly string[];
  /** Asks the server to hold the request this long when there is no news. */
  longPollSeconds?: number;
  timeoutMs?: number;
  maxBytes?: number;
};

/** The type by which a server of OPA's bundle protocol says that it can hold requests. */
const longPollType = 'application/vnd.openpolicyagent.bundles';

/** A signed archive behind HTTP, by OPA's bundle protocol: entity tags, and long polling where the server can. */
export function httpsSource({
  url,
  token,
  verify,
  redirectOrigins = [],
  longPollSeconds,
  timeoutMs = 60_000,
  maxBytes = 256 * 2 ** 20,
}: HttpsSourceOptions): Source {
  const memory = createMemory();
  const dispatcher = new Agent({
    connect: { timeout: Math.min(timeoutMs, 10_000) },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const origin = new URL(url).origin;
  /** The entity tag of the accepted bundle. One of a refused bundle would hide its repair under the same tag. */
  let accepted: string | null = null;
  let holds = false;
  let eager = false;
  let waiting = false;

  const get = async (signal: AbortSignal, hold: number): Promise<Dispatcher.ResponseData> => {
    const headers: Record<string, string> = { accept: `${longPollType}, application/gzip, */*;q=0.1` };
    headers['accept-encoding'] = 'identity';
    // Deltas would have to be applied to what only the server knows we have: whole bundles only.
    headers.prefer = hold > 0 ? `modes=snapshot;wait=${hold}` : 'modes=snapshot';
    if (accepted !== null) headers['if-none-match'] = accepted;
    let target = url;
    for (let hops = 0; hops <= 5; hops += 1) {
      const secret = token !== undefined && new URL(target).origin === origin;
      const response = await request(target, {
        dispatcher,
        signal,
        headers: secret ? { ...headers, authorization: `Bearer ${token}` } : headers,
      });
      if (![301, 302, 303, 307, 308].includes(response.statusCode)) return response;
      await response.body.dump();
      const next = URL.parse(String(response.headers.location), target);
      if (next === null || (next.origin !== origin && !redirectOrigins.includes(next.origin)))
        throw new SourceError(
          'source-redirected',
          `the bundle server redirects to another origin, ${next?.origin}`,
        );
      target = next.href;
    }
    throw new SourceError('source-redirected', 'the bundle server redirects in circles');
  };

  const look = async (signal: AbortSignal, force: boolean, hold: number): Promise<Found | null> => {
    waiting = hold > 0;
    const started = performance.now();
    const response = await get(signal, hold);
    waiting = false;
    const type = String(response.headers['content-type'] ?? '')
      .split(';')[0]
      ?.trim();
    if (type !== '' || response.statusCode === 200) holds = type === longPollType;
    if (response.statusCode === 304) {
      await response.body.dump();
      if (accepted === null)
        throw new SourceError('source-answer', 'the bundle server answers 304 to no entity tag');
      // A server that promises to hold requests and does not would be asked without end.
      eager = hold > 0 && performance.now() - started >= 900;
      return null;
    }
    if (response.statusCode !== 200) throw await refusal(response);
    const archive = await readCapped(response, maxBytes);
    eager = holds;
    const tag = response.headers.etag;
    const etag = typeof tag === 'string' && tag.length <= 1024 ? tag : null;
    const digest = createHash('sha256').update(archive).digest('hex');
    if (memory.check(digest, force) === 'unchanged') {
      accepted = etag;
      return null;
    }
    const settle = (error: Error | null) => {
      memory.settle(digest, error);
      if (error === null) accepted = etag;
    };
    try {
      return { bundle: await verify(archive), archive, notes: [], settle };
    } catch (error) {
      if (error instanceof Error) settle(error);
      throw error;
    }
  };

  return {
    kind: 'https',
    name: sourceName({ kind: 'https', url }),
    get eager() {
      return eager;
    },
    get waiting() {
      return waiting;
    },
    async next({ signal, force = false, wait = true }) {
      eager = false;
      // Without an entity tag there is nothing to hold the answer back for.
      const hold = wait && accepted !== null ? (longPollSeconds ?? (holds ? 60 : 0)) : 0;
      // One deadline over all of it: a server that drips a byte a second never goes silent.
      const deadline = AbortSignal.timeout(timeoutMs + hold * 1000);
      try {
        return await look(AbortSignal.any([signal, deadline]), force, hold);
      } catch (error) {
        if (signal.aborted) throw new SourceError('aborted', 'stopped', { cause: error });
        if (deadline.aborted)
          throw new SourceError(
            'source-timeout',
            `the bundle server took longer than ${timeoutMs / 1000} s`,
            {
              cause: error,
            },
          );
        if (error instanceof Error && isTransport(error))
          throw new SourceError(
            'source-unreachable',
            `the bundle server cannot be reached: ${error.message}`,
            {
              cause: error,
            },
          );
        throw error;
      } finally {
        waiting = false;
      }
    },
    watch: () => () => {},
    close: () => dispatcher.destroy(),
  };
}

async function refusal(response: Dispatcher.ResponseData): Promise<SourceError> {
  await response.body.dump({ limit: 65_536 });
  const status = response.statusCode;
  const wish = Number(response.headers['retry-after']);
  const retryAfterMs = Number.isFinite(wish) && wish >= 0 ? Math.min(wish, 3600) * 1000 : null;
  const code =
    status === 401 || status === 403
      ? 'source-unauthorized'
      : status === 404 || status === 410
        ? 'source-not-found'
        : status === 429 || status >= 500
          ? 'source-unreachable'
          : 'source-answer';
  return new SourceError(code, `the bundle server answers ${status}`, { retryAfterMs });
}

async function readCapped(response: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new SourceError('source-too-large', `the bundle is larger than ${maxBytes} bytes`);
  const chunks: Buffer[] = [];
  let size = 0;
  const announced = Number(response.headers['content-length']);
  if (announced > maxBytes) {
    response.body.destroy();
    throw tooLarge();
  }
  // Leaving the loop early destroys the stream, and with it the connection.
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Errors of sockets and of undici, as opposed to ours and the verifier's. */
function isTransport(error: Error & { code?: unknown }): boolean {
  return (
    typeof error.code === 'string' &&
    /^(?:UND_ERR|E[A-Z]+$|ERR_TLS|CERT_|DEPTH_|SELF_SIGNED|UNABLE_|HPE_)/.test(error.code)
  );
}
