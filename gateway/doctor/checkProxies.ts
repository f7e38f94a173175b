import { isIPv4 } from 'node:net';
import { counted } from '../../bundle/format/counted.ts';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import type { GatewayConfig } from '../config/config.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Blocks that no proxy on the internet has. */
const own =
  /^(?:10\.|127\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80:|::1)/i;

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
  return findings.length > 0 ? findings : [ok('trusted_proxies', told(trusted_proxies.length))];
}

const told = (count: number) =>
  count === 0 ? 'nobody is believed about addresses' : `${counted(count, 'block is', 'blocks are')} believed`;

function isWide(block: string): boolean {
  const [address = '', bits = ''] = block.split('/');
  return !own.test(address) && Number(bits) < (isIPv4(address) ? 16 : 32);
}
