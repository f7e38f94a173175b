import ipaddr from 'ipaddr.js';

type Block = [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

const mapped = ipaddr.IPv6.parse('::ffff:0:0');
const mappedBits = 96;

/**
 * Whether CIDR blocks, taken together, hold more than half of all addresses of a family, each counted once: two halves
 * are the whole internet as well, and who is "in" such a network is everybody. A block of IPv6 holds the IPv4 addresses
 * that are written in it (`::ffff:0:0/96` all of them), as it does where callers are looked up.
 */
export function isInternet(blocks: readonly string[]): boolean {
  const parsed = blocks.map((block) => ipaddr.parseCIDR(block)).flatMap(families);
  return ['ipv4', 'ipv6'].some((kind) => {
    const kept: Block[] = [];
    for (const block of parsed.filter(([address]) => address.kind() === kind).sort(([, a], [, b]) => a - b))
      if (!kept.some((wider) => block[0].match(wider as never))) kept.push(block);
    return kept.reduce((sum, [, bits]) => sum + 2 ** -bits, 0) > 0.5;
  });
}

function families([address, bits]: Block): Block[] {
  if (address instanceof ipaddr.IPv4) return [[address, bits]];
  if (bits >= mappedBits && address.isIPv4MappedAddress())
    return [[address.toIPv4Address(), bits - mappedBits]];
  const holdsAll = bits < mappedBits && mapped.match(address, bits);
  return [[address, bits], ...(holdsAll ? [[ipaddr.IPv4.parse('0.0.0.0'), 0] as Block] : [])];
}
