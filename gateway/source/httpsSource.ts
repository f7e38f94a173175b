import { createHash } from 'node:crypto';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { type SourceAddress, sourceName } from './contract/parseSource.ts';
import { createLastFound, type Found, type Source, SourceError, takeArchive } from './contract/source.ts';
import type { TlsFiles } from './transport/openConnections.ts';
import { type Answer, type Authorize, openServer } from './transport/openServer.ts';
import { readAnswer, refusalOf } from './transport/readAnswer.ts';
import { withinDeadline } from './transport/withinDeadline.ts';

export type HttpsSourceOptions = {
  url: string;
  /** Sent as a bearer token, to the origin of `url` only. */
  token?: string;
  /** Proves who asks in another way. */
  authorize?: Authorize | undefined;
  /** What it is, and is called, when `url` is only where it lies. */
  address?: SourceAddress;
  verify: (archive: Buffer) => Promise<Bundle>;
  /** Origins beside that of `url` to which the server may redirect (release assets live on another host). */
  redirectOrigins?: readonly string[];
  /** Asks the server to hold the request this long when there is no news; 0 never does. */
  longPollSeconds?: number;
  tls?: TlsFiles;
  timeoutMs?: number;
  maxBytes?: number;
};

/** The type by which a server of OPA's bundle protocol says that it can hold requests. */
const longPollType = 'application/vnd.openpolicyagent.bundles';

/** A signed archive behind HTTP, by OPA's bundle protocol: entity tags, and long polling where the server can. */
export function httpsSource({
  url,
  token,
  authorize = token === undefined ? undefined : () => ({ authorization: `Bearer ${token}` }),
  address = { kind: 'https', url },
  verify,
  redirectOrigins = [],
  longPollSeconds,
  tls,
  timeoutMs = 60_000,
  maxBytes = 256 * 2 ** 20,
}: HttpsSourceOptions): Source {
  const last = createLastFound();
  const server = openServer({ url, redirectOrigins, tls, connectMs: Math.min(timeoutMs, 10_000) });
  /** The entity tag of the accepted bundle. One of a refused bundle would hide its repair under the same tag. */
  let accepted: string | null = null;
  let holds = false;
  let eager = false;
  let waiting = false;

  const get = (signal: AbortSignal, holdSeconds: number): Promise<Answer> =>
    server.ask({
      url,
      signal,
      authorize,
      headers: {
        accept: `${longPollType}, application/gzip, */*;q=0.1`,
        'accept-encoding': 'identity',
        // Deltas would have to be applied to what only the server knows we have: whole bundles only.
        prefer: holdSeconds > 0 ? `modes=snapshot;wait=${holdSeconds}` : 'modes=snapshot',
        ...(accepted === null ? {} : { 'if-none-match': accepted }),
      },
    });

  const look = async (signal: AbortSignal, force: boolean, holdSeconds: number): Promise<Found | null> => {
    waiting = holdSeconds > 0;
    const startedMs = performance.now();
    const response = await get(signal, holdSeconds);
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
      eager = holdSeconds > 0 && performance.now() - startedMs >= 900;
      return null;
    }
    if (response.statusCode !== 200) throw await refusalOf(response);
    const archive = await readAnswer(response, maxBytes);
    eager = holds;
    const tag = response.headers.etag;
    const etag = typeof tag === 'string' && tag.length <= 1024 ? tag : null;
    const digest = createHash('sha256').update(archive).digest('hex');
    if (last.check(digest, force) === 'unchanged') {
      accepted = etag;
      return null;
    }
    return takeArchive(archive, verify, (error) => {
      last.acknowledge(digest, error);
      if (error === null) accepted = etag;
    });
  };

  return {
    kind: address.kind,
    name: sourceName(address),
    get eager() {
      return eager;
    },
    get waiting() {
      return waiting;
    },
    async next({ signal, force = false, wait = true }) {
      eager = false;
      // Without an entity tag there is nothing to hold the answer back for.
      const holdSeconds = wait && accepted !== null ? (longPollSeconds ?? (holds ? 60 : 0)) : 0;
      try {
        return await withinDeadline({ signal, ms: timeoutMs + holdSeconds * 1000 }, (ends) =>
          look(ends, force, holdSeconds),
        );
      } finally {
        waiting = false;
      }
    },
    watch: () => () => {},
    close: server.close,
  };
}
