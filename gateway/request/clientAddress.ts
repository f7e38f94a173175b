import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { remember } from '../memory/remember.ts';

/** Finds the address a request comes from. */
export type ClientAddress = (request: IncomingMessage) => string;

/**
 * The peer's address; behind a trusted proxy the nearest address in X-Forwarded-For that no trusted proxy has, or
 * `unknown` where it names none. What an untrusted peer writes there is never read. `trusted` are CIDR blocks.
 */
export function createClientAddress(trusted: readonly string[]): ClientAddress {
  const proxies = blockList(trusted);
  return (request) => {
    let address = peerAddress(request);
    if (trusted.length === 0 || !contains(proxies, address)) return address;
    // Node joins several lines of this header in their order.
    const forwarded = request.headers['x-forwarded-for'];
    if (forwarded === undefined) return address;
    for (const hop of String(forwarded).split(',').reverse()) {
      const named = plain(withoutPort(hop.trim()));
      // Whoever this is, it is not the proxy: its address would put the caller into the proxy's network.
      // A zone (`fe80::1%…`) is this machine's own affair, and may be as long as a header.
      if (isIP(named) === 0 || named.includes('%')) return 'unknown';
      address = named;
      if (!contains(proxies, address)) break;
    }
    // A part of a text keeps all of it in memory, and addresses are remembered.
    return Buffer.from(address).toString();
  };
}

/** The address at the other end of the connection. */
export const peerAddress = (request: Pick<IncomingMessage, 'socket'>): string =>
  plain(request.socket.remoteAddress ?? '');

/** Names the declared networks an address is in, sorted. */
export type NetworksOf = (address: string) => readonly string[];

/** `networks`: name → CIDR blocks. Answers are remembered for the most recent addresses. */
export function createNetworksOf(networks: ReadonlyMap<string, readonly string[]>): NetworksOf {
  const lists = [...networks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, blocks]) => [name, blockList(blocks)] as const);
  return remember(
    (address) => lists.filter(([, list]) => contains(list, address)).map(([name]) => name),
    10_000,
  );
}

/** Tells whether an address, as a socket names it, is in one of the CIDR blocks. */
export function createContains(blocks: readonly string[]): (address: string) => boolean {
  const list = blockList(blocks);
  return (address) => contains(list, plain(address));
}

function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', bits = ''] = block.split('/');
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
const withoutPort = (hop: string) =>
  /^\[([0-9A-Fa-f:.]+)\](?::\d+)?$|^([\d.]+):\d+$/.exec(hop)?.slice(1).join('') ?? hop;

/** `::ffff:192.0.2.1` is how a dual-stack socket names 192.0.2.1. */
const plain = (address: string) =>
  address.startsWith(':') && /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
