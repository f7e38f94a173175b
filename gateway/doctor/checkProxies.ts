import { counted } from '../../bundle/format/counted.ts';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { isWithinBlocks } from '../../bundle/format/isWithinBlocks.ts';
import { parseBlock } from '../../bundle/format/parseBlock.ts';
import type { GatewayConfig } from '../config/config.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Blocks of which nobody on the internet is. */
const notPublic = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8'],
  ...['fc00::/7', 'fe80::/10', '::1/128'],
];

/** Whom we believe about where a request came from. */
export function checkProxies({ listen, trusted_proxies, decision_point }: GatewayConfig): Finding[] {
  const listed = {
    trusted_proxies,
    'decision_point.forward_auth.trusted_proxies': decision_point?.forward_auth?.trusted_proxies ?? [],
  };
  const findings = Object.entries(listed).flatMap(([setting, blocks]) =>
    blocks
      .filter(isWide)
      .map((block) =>
        warning(
          setting,
          `${block} is a large part of the internet`,
          'list the addresses of your proxies only: whoever is in there can say he comes from anywhere',
        ),
      ),
  );
  if (!isLoopback(listen.host) && listen.tls === undefined && trusted_proxies.length === 0)
    findings.push(
      warning(
        'trusted_proxies',
        `callers speak plain HTTP to ${listen.host}, and no proxy is believed`,
        'with a proxy in front, list it, else all callers share its address and limits; without, set "listen.tls"',
      ),
    );
  return findings.length > 0 ? findings : [ok('trusted_proxies', beliefText(trusted_proxies.length))];
}

const beliefText = (count: number) =>
  count === 0 ? 'nobody is believed about addresses' : `${counted(count, 'block is', 'blocks are')} believed`;

function isWide(block: string): boolean {
  const [address, bits] = parseBlock(block);
  return !isWithinBlocks([block], notPublic) && bits < (address.kind() === 'ipv4' ? 16 : 32);
}
