import ipaddr from 'ipaddr.js';

/** A CIDR block: its address, of which no more than the first `bits` count. */
export type Block = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

const mappedBits = 96;

/** A CIDR block; IPv4 that is written as IPv6 (`::ffff:192.0.2.0/120`) is IPv4, as callers of both are one. */
export function parseBlock(text: string): Block {
  const [address, bits] = ipaddr.parseCIDR(text);
  return bits >= mappedBits && address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
    ? [address.toIPv4Address(), bits - mappedBits]
    : [address, bits];
}

/** Whether the one lies in the other. */
export const isInBlock = ([address, bits]: Block, [around, most]: Block): boolean =>
  around.kind() === address.kind() && most <= bits && address.match(around as never, most);
