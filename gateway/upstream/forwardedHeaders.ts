import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { GatewayConfig } from '../config/config.ts';
import type { Admission } from '../decision/admission.ts';
import { peerAddress } from '../request/clientAddress.ts';

type Called = Pick<Admission, 'address' | 'canonical' | 'route'>;
type Asked = Pick<IncomingMessage, 'headers' | 'socket'>;

/** Adds from where and by which address a request came to a flat list of names and values. */
export type ForwardedHeaders = (request: Asked, called: Called, into: string[]) => void;

/**
 * What callers sent under these names never gets here, so nothing is ever appended to it. An address other than the
 * peer's was named by a proxy we trust: then its word on scheme, port and prefix counts too, where it has the form.
 */
export function createForwardedHeaders(mode: GatewayConfig['forwarded']): ForwardedHeaders {
  const [legacy, standard] = [
    mode === 'x-forwarded' || mode === 'both',
    mode === 'forwarded' || mode === 'both',
  ];
  return (request, called, into) => {
    const { address, canonical } = called;
    const behindProxy = address !== peerAddress(request);
    const scheme = schemeOf(request, behindProxy);
    if (standard) into.push('forwarded', forwarded(address, canonical.host, scheme));
    if (!legacy) return;
    into.push('x-forwarded-for', address, 'x-forwarded-host', canonical.host, 'x-forwarded-proto', scheme);
    into.push('x-forwarded-port', portOf(request, behindProxy, scheme));
    const prefix = prefixOf(request, behindProxy, called);
    if (prefix !== '') into.push('x-forwarded-prefix', prefix);
  };
}

/** RFC 7239, 4: what holds a colon stands in quotes, an IPv6 address in brackets too. */
function forwarded(address: string, host: string, scheme: string): string {
  const named = isIPv6(address) ? `"[${address}]"` : address;
  return `for=${named};host=${host.includes(':') ? `"${host}"` : host};proto=${scheme}`;
}

function schemeOf({ headers, socket }: Asked, behindProxy: boolean): 'http' | 'https' {
  const named = headers['x-forwarded-proto'];
  if (behindProxy && (named === 'https' || named === 'http')) return named;
  return socket instanceof TLSSocket ? 'https' : 'http';
}

/** Never that of Host, which a caller makes up. A proxy that names none is taken to listen where its scheme does. */
function portOf({ headers, socket }: Asked, behindProxy: boolean, scheme: string): string {
  if (!behindProxy) return String(socket.localPort ?? (scheme === 'https' ? 443 : 80));
  const named = headers['x-forwarded-port'];
  if (typeof named === 'string' && /^[1-9]\d{0,4}$/.test(named) && Number(named) <= 65_535) return named;
  return scheme === 'https' ? '443' : '80';
}

// A second slash would begin another host's name in a redirect that is made of it.
const prefixForm = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]+){1,16}$/;

/** What was taken away before the path that the upstream sees: by a proxy in front of us, then by us. */
function prefixOf({ headers }: Asked, behindProxy: boolean, { canonical, route }: Called): string {
  const named = headers['x-forwarded-prefix'];
  const before =
    behindProxy && typeof named === 'string' && named.length <= 256 && prefixForm.test(named) ? named : '';
  return before + canonical.path.slice(0, route.strip);
}
