import ipaddr from 'ipaddr.js';
import { type Block, isInBlock, parseBlock } from './parseBlock.ts';

const mapped: Block = [ipaddr.IPv6.parse('::ffff:0:0'), 96];
const everyIPv4: Block = [ipaddr.IPv4.parse('0.0.0.0'), 0];

/**
 * Whether CIDR blocks, taken together, hold more than half of all addresses of a family, each counted once: two halves
 * are the whole internet as well, and who is "in" such a network is everybody. A block of IPv6 holds the IPv4 addresses
 * that are written in it (`::ffff:0:0/96` all of them), as it does where callers are looked up.
 */
export function isInternet(blocks: readonly string[]): boolean {
  const parsed = blocks
    .map(parseBlock)
    .flatMap((block) => (isInBlock(mapped, block) ? [block, everyIPv4] : [block]));
  return ['ipv4', 'ipv6'].some((kind) => {
    const kept: Block[] = [];
    for (const block of parsed.filter(([address]) => address.kind() === kind).sort(([, a], [, b]) => a - b))
      if (!kept.some((wider) => isInBlock(block, wider))) kept.push(block);
    return kept.reduce((sum, [, bits]) => sum + 2 ** -bits, 0) > 0.5;
  });
}
