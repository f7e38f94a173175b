import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import {
  BerReader,
  BerWriter,
  type Filter,
  PagedResultsControl,
  PresenceFilter,
  SearchRequest,
} from 'ldapts';

export type Entry = { dn: string; attributes: Record<string, (string | Buffer)[]> };
type Tls = { key: string; cert: string };
/** What a search is answered with instead; `result` for a code, `raw` for bytes, `cut` for the end of the connection. */
export type LdapFault = {
  result?: number;
  raw?: Buffer;
  cut?: true;
  noControl?: true;
  references?: string[];
};

export type LdapStub = {
  port: number;
  entries: Entry[];
  password: string;
  /** Values of an attribute in one answer; more are told in ranges. */
  mostValues: number;
  pageSize: number;
  /** A page without entries before each page with some. */
  emptyPages: boolean;
  /** Told of each search by its number, from 1. */
  fault: (base: string, number: number) => LdapFault | null;
  /** What was asked: `bind`, `starttls`, `search BASE`; with `tls ` before it where it was encrypted. */
  asked: string[];
  close: () => Promise<void>;
};

const response = (id: number, tag: number, write: (writer: BerWriter) => void, cookie?: Buffer): Buffer => {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  write(writer);
  writer.endSequence();
  if (cookie !== undefined) {
    writer.startSequence(0xa0);
    new PagedResultsControl({ value: { size: 0, cookie } }).write(writer);
    writer.endSequence();
  }
  writer.endSequence();
  return writer.buffer;
};
const result = (code: number) => (writer: BerWriter) => {
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString('told "secret" things');
};

/** Of a filter that asks for presence ldapts does not read back what it wrote; ours asks for any class. */
const isMet = (filter: Filter, values: Record<string, string>) =>
  filter instanceof PresenceFilter || filter.matches(values);

/** A small LDAP server: bind, StartTLS, searches with pages and ranges. With `tls` it can encrypt, from the start on `ldaps`. */
export async function serveLdap(tls?: Tls, ldaps = false): Promise<LdapStub> {
  const stub: LdapStub = {
    port: 0,
    entries: [],
    password: 'right',
    mostValues: 1000,
    pageSize: 2,
    emptyPages: false,
    fault: () => null,
    asked: [],
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  const sockets = new Set<Socket>();
  let searches = 0;
  const search = (socket: Socket, id: number, request: SearchRequest) => {
    searches += 1;
    const fault = stub.fault(request.baseDN, searches);
    if (fault?.cut) return socket.destroy();
    if (fault?.raw) return socket.write(fault.raw);
    const base = request.baseDN.toLowerCase();
    const under = ({ dn }: Entry) =>
      dn.toLowerCase() === base || (request.scope === 'sub' && dn.toLowerCase().endsWith(`,${base}`));
    const all = stub.entries.filter(
      (entry) =>
        under(entry) &&
        isMet(
          request.filter,
          Object.fromEntries(
            Object.entries(entry.attributes).map(([name, values]) => [name.toLowerCase(), String(values[0])]),
          ),
        ),
    );
    const control = request.controls?.find((one) => one instanceof PagedResultsControl);
    const [start = 0, full = stub.emptyPages ? 0 : 1] = (control?.value?.cookie?.toString() || '0')
      .split('.')
      .map(Number);
    const page = control === undefined ? all : full === 1 ? all.slice(start, start + stub.pageSize) : [];
    for (const { dn, attributes } of page)
      socket.write(
        response(id, 0x64, (writer) => {
          writer.writeString(dn);
          writer.startSequence();
          for (const asked of request.attributes) tellAttribute(writer, asked, attributes);
          writer.endSequence();
        }),
      );
    for (const uri of fault?.references ?? [])
      socket.write(response(id, 0x73, (writer) => writer.writeString(uri)));
    const end = start + page.length;
    const cookie = full === 0 ? `${start}.1` : end < all.length ? `${end}.${stub.emptyPages ? 0 : 1}` : '';
    socket.write(
      response(
        id,
        0x65,
        result(fault?.result ?? 0),
        control && !fault?.noControl ? Buffer.from(cookie) : undefined,
      ),
    );
    return;
  };
  const tellAttribute = (writer: BerWriter, asked: string, attributes: Entry['attributes']) => {
    const [name = '', from] = asked.split(';range=');
    const found = Object.entries(attributes).find(([key]) => key.toLowerCase() === name.toLowerCase());
    if (found === undefined) return;
    const [key, values] = found;
    const first = Number(from?.split('-')[0] ?? 0);
    const some = values.slice(first, first + stub.mostValues);
    const ranged = from !== undefined || values.length > stub.mostValues;
    const last = first + some.length >= values.length ? '*' : String(first + some.length - 1);
    writer.startSequence();
    writer.writeString(ranged ? `${key};range=${first}-${last}` : key);
    writer.startSequence(0x31);
    for (const value of some) writer.writeBuffer(Buffer.from(value), 0x04);
    writer.endSequence();
    writer.endSequence();
  };
  const attend = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const prefix = socket instanceof TLSSocket ? 'tls ' : '';
    const onData = (data: Buffer) => {
      const reader = new BerReader(data);
      reader.readSequence();
      const id = reader.readInt() ?? 0;
      const tag = reader.peek() ?? 0;
      reader.readSequence();
      if (tag === 0x60) {
        stub.asked.push(`${prefix}bind`);
        reader.readInt();
        const dn = reader.readString();
        const password = reader.readString(0x80);
        socket.write(response(id, 0x61, result(dn === 'cn=reader' && password === stub.password ? 0 : 49)));
      } else if (tag === 0x77) {
        stub.asked.push('starttls');
        socket.write(response(id, 0x78, result(tls === undefined ? 2 : 0)), () => {
          if (tls === undefined) return;
          socket.off('data', onData);
          attend(new TLSSocket(socket, { isServer: true, ...tls }));
        });
      } else if (tag === 0x63) {
        const request = new SearchRequest({ messageId: id, filter: undefined as never });
        request.parse(reader, []);
        stub.asked.push(`${prefix}search ${request.baseDN}`);
        search(socket, id, request);
      }
    };
    socket.on('data', onData);
  };
  const server: Server = tls && ldaps ? createTlsServer(tls, attend) : createServer(attend);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  stub.port = (server.address() as AddressInfo).port;
  return stub;
}
