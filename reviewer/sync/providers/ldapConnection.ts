// LDAP on one connection, by ldapts' messages. Its client is not used: it ends a paged read at a page without entries though
// more follow (RFC 2696 allows such), and connects anew by itself, then without StartTLS and as nobody, where fewer entries
// are seen. Its parser holds what comes until a message is whole: the bound is here.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type Attribute,
  BindRequest,
  ExtendedRequest,
  FilterParser,
  type Message,
  MessageParser,
  type MessageResponse,
  PagedResultsControl,
  SearchEntry,
  SearchReference,
  SearchRequest,
} from 'ldapts';
import { SyncError } from './syncError.ts';

export type LdapEntry = { dn: string; attributes: readonly Attribute[] };
export type Search = {
  base: string;
  scope: 'base' | 'sub';
  /** RFC 4515. */
  filter: string;
  attributes: readonly string[];
};

export type LdapConnection = {
  /** Signs in. Throws SyncError, `sync-unauthorized` for a wrong name or password. */
  bind: (dn: string, password: string) => Promise<void>;
  /** Every entry, page by page. Throws SyncError, `sync-incomplete` where the server leaves some out. */
  search: (search: Search) => AsyncGenerator<LdapEntry>;
  /** How many entries were said to lie with other servers; those are not asked. */
  references: () => number;
  close: () => void;
};

type Options = {
  /** `ldaps://HOST` or `ldap://HOST`, with a port or without. */
  url: string;
  /** Whether a connection without TLS is encrypted before anything else is sent. */
  startTls: boolean;
  /** How long a silence may last, to connect and between answers; a minute when left out. */
  timeoutMs?: number;
  signal?: AbortSignal;
};

/** Whether a text is a filter (RFC 4515). */
export function isFilter(text: string): boolean {
  try {
    FilterParser.parseString(text);
    return true;
  } catch {
    return false;
  }
}

const pageSize = 500;
const mostPages = 20_000;
const largest = 64 * 1024 * 1024;
const startTlsName = '1.3.6.1.4.1.1466.20037';

/** Connects, and encrypts the connection where it is not. Throws SyncError. */
export async function connectLdap({
  url,
  startTls,
  timeoutMs = 60_000,
  signal,
}: Options): Promise<LdapConnection> {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'ldaps:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const at = {
    host,
    port: Number(port) || (secure ? 636 : 389),
    ...(isIP(host) === 0 && { servername: host }),
  };
  const plain = secure ? connectTls(at) : connect(at);
  const limits = { url, timeoutMs, signal };
  await whenOpen(plain, secure ? 'secureConnect' : 'connect', limits);
  let exchange = exchangeOn(plain, limits);
  if (startTls) {
    const answer = await exchange.ask(new ExtendedRequest({ messageId: 1, oid: startTlsName }));
    assertDone(answer, url);
    exchange.leave();
    const encrypted = connectTls({ ...at, socket: plain });
    await whenOpen(encrypted, 'secureConnect', limits);
    exchange = exchangeOn(encrypted, limits);
  }
  let number = 1;
  let references = 0;
  return {
    async bind(dn, password) {
      number += 1;
      assertDone(await exchange.ask(new BindRequest({ messageId: number, dn, password })), url);
    },
    async *search({ base, scope, filter, attributes }) {
      const paged = scope === 'sub';
      let cookie: Buffer | undefined;
      for (let pages = 0; ; pages += 1) {
        if (pages >= mostPages)
          throw new SyncError('sync-incomplete', `${url}: the pages under ${base} have no end`);
        number += 1;
        const control = new PagedResultsControl({
          critical: true,
          value: { size: pageSize, ...(cookie && { cookie }) },
        });
        const request = new SearchRequest({
          messageId: number,
          baseDN: base,
          scope,
          filter: FilterParser.parseString(filter),
          attributes: [...attributes],
          controls: paged ? [control] : [],
        });
        const entries: SearchEntry[] = [];
        const answer = await exchange.ask(request, (message) => {
          if (message instanceof SearchEntry) entries.push(message);
          else references += message.uris.length;
        });
        assertDone(answer, url);
        for (const { name, attributes: its } of entries) yield { dn: name, attributes: its };
        if (!paged) return;
        const told = answer.controls?.find((one) => one instanceof PagedResultsControl);
        if (told === undefined)
          throw new SyncError(
            'sync-answer',
            `${url}: a page under ${base} does not say whether it is the last`,
          );
        cookie = told.value?.cookie;
        if (!cookie?.length) return;
      }
    },
    references: () => references,
    close: () => exchange.end(),
  };
}

/** Result codes (RFC 4511) that mean something to whoever runs the sync. */
const codes: ReadonlyMap<number, SyncError['code']> = new Map([
  [8, 'sync-unauthorized'],
  [32, 'sync-not-found'],
  [48, 'sync-unauthorized'],
  [49, 'sync-unauthorized'],
  [50, 'sync-forbidden'],
  [51, 'sync-failed'],
  [52, 'sync-failed'],
]);

/** Anything but success is no whole answer: limits on size and time, referrals, and what is not granted. */
function assertDone({ status }: MessageResponse, url: string): void {
  if (status !== 0)
    throw new SyncError(codes.get(status) ?? 'sync-incomplete', `${url} answered with LDAP result ${status}`);
}

type Limits = { url: string; timeoutMs: number; signal: AbortSignal | undefined };

async function whenOpen(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { url, timeoutMs, signal }: Limits,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (cause?: Error) =>
    reject(new SyncError('sync-unreachable', `${url} cannot be reached: ${cause?.message ?? 'no answer'}`));
  socket.once(event, () => resolve()).once('error', failed);
  socket.once('close', () => failed());
  const timer = setTimeout(failed, timeoutMs);
  const stopped = () => reject(new SyncError('aborted', 'the sync was stopped'));
  signal?.addEventListener('abort', stopped);
  try {
    await promise;
    socket.off('error', failed).removeAllListeners('close');
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stopped);
  }
}

/** How many bytes a message has (BER, definite lengths only), or at least; null for what is none. */
function wholeSize(chunks: readonly Buffer[]): number | null {
  const [first = Buffer.alloc(0)] = chunks;
  const start = first.length >= 6 ? first : Buffer.concat(chunks.slice(0, 6));
  if (start.length > 0 && start[0] !== 0x30) return null;
  const told = start[1];
  if (told === undefined) return 2;
  if (told < 0x80) return 2 + told;
  const count = told & 0x7f;
  if (count === 0 || count > 4) return null;
  if (start.length < 2 + count) return 2 + count;
  return 2 + count + start.readUIntBE(2, count);
}

type Exchange = {
  /** One request after the other; `each` is told what comes before the last answer. */
  ask: (
    request: Message,
    each?: (message: SearchEntry | SearchReference) => void,
  ) => Promise<MessageResponse>;
  /** Takes no more from the socket. */
  leave: () => void;
  end: () => void;
};

function exchangeOn(socket: Socket, { url, timeoutMs, signal }: Limits): Exchange {
  const parser = new MessageParser();
  const pending = new Map<string, { message: Message }>();
  let current: { take: (message: MessageResponse) => void; fail: (error: SyncError) => void } | null = null;
  let held: Buffer[] = [];
  let size = 0;
  const fail = (error: SyncError) => {
    socket.destroy();
    current?.fail(error);
  };
  const lost = () => fail(new SyncError('sync-unreachable', `${url} ended the connection`));
  const stopped = () => fail(new SyncError('aborted', 'the sync was stopped'));
  const unlike = () => fail(new SyncError('sync-answer', `${url} answers with something other than LDAP`));
  // The parser is given one whole message at a time: it would wait for the rest of whatever it takes for a beginning.
  const take = (data: Buffer) => {
    held.push(data);
    size += data.length;
    const need = wholeSize(held);
    if (need === null || need > largest) return unlike();
    if (size < need) return;
    let rest = Buffer.concat(held);
    try {
      for (let length = wholeSize([rest]); rest.length > 0; length = wholeSize([rest])) {
        if (length === null || length > largest) return unlike();
        if (rest.length < length) break;
        const message = rest.subarray(0, length);
        rest = rest.subarray(length);
        parser.read(message, pending);
      }
    } catch {
      return unlike();
    }
    held = rest.length > 0 ? [rest] : [];
    size = rest.length;
  };
  parser.on('message', (message) => {
    // Whatever it does not know is an answer that nobody asked for.
    if (pending.has(String(message.messageId))) current?.take(message as MessageResponse);
    else fail(new SyncError('sync-answer', `${url} answers what was not asked`));
  });
  parser.on('error', unlike);
  socket.on('data', take).on('error', lost).on('close', lost);
  socket.setTimeout(timeoutMs, lost);
  signal?.addEventListener('abort', stopped);
  return {
    async ask(request, each) {
      const { promise, resolve, reject } = Promise.withResolvers<MessageResponse>();
      if (socket.destroyed) lost();
      if (socket.destroyed) throw new SyncError('sync-unreachable', `${url} ended the connection`);
      pending.set(String(request.messageId), { message: request });
      current = {
        fail: reject,
        take: (message) => {
          if (message instanceof SearchEntry || message instanceof SearchReference) each?.(message);
          else resolve(message);
        },
      };
      socket.write(request.write());
      try {
        return await promise;
      } finally {
        pending.clear();
        current = null;
      }
    },
    leave() {
      socket.off('data', take).off('close', lost).setTimeout(0);
      signal?.removeEventListener('abort', stopped);
    },
    end() {
      socket.off('close', lost).destroy();
      signal?.removeEventListener('abort', stopped);
    },
  };
}
