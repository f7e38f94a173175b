import ipaddr from 'ipaddr.js';

/**
 * Whether CIDR blocks, taken together, hold more than half of all addresses of a family, each counted once: two halves
 * are the whole internet as well, and who is "in" such a network is everybody.
 */
export function isInternet(blocks: readonly string[]): boolean {
  const parsed = blocks.map((block) => ipaddr.parseCIDR(block));
  return ['ipv4', 'ipv6'].some((kind) => {
    const kept: typeof parsed = [];
    for (const block of parsed.filter(([address]) => address.kind() === kind).sort(([, a], [, b]) => a - b))
      if (!kept.some((wider) => block[0].match(wider as never))) kept.push(block);
    return kept.reduce((sum, [, bits]) => sum + 2 ** -bits, 0) > 0.5;
  });
}
