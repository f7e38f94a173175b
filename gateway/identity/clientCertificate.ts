import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What a caller's connection proves: it holds the key of this certificate. */
export type ClientCertificate = {
  method: 'client-certificate';
  /** Signed by a configured authority, for clients, at the time of the handshake. */
  trusted: boolean;
  /** Subject alternative names; DNS names in lower case. */
  uris: readonly string[];
  dns: readonly string[];
  /** As in `C=DE, O=Example, CN=invoicer`, in the certificate's order. */
  subject: string;
  /** Whole seconds since 1970, inclusive. */
  validFrom: number;
  validTo: number;
  /** SHA-256 of the certificate, base64url: what a token may be bound to (RFC 8705). */
  thumbprint: string;
};

/** The certificate that the caller showed on its connection, trusted or not; null when it showed none. */
export type CertificateOf = (socket: Socket) => ClientCertificate | null;

/** Reads each connection's once. */
export function createCertificateOf(): CertificateOf {
  const known = new WeakMap<TLSSocket, ClientCertificate | null>();
  return (socket) => {
    if (!(socket instanceof TLSSocket)) return null;
    let certificate = known.get(socket);
    if (certificate === undefined) {
      const shown = socket.getPeerX509Certificate();
      certificate = shown === undefined ? null : readCertificate(shown, socket.authorized);
      known.set(socket, certificate);
    }
    return certificate;
  };
}

/** Reads what can prove a service. */
export function readCertificate(shown: X509Certificate, trusted: boolean): ClientCertificate {
  const names = alternativeNames(shown.subjectAltName ?? '');
  const of = (kind: string) => names.filter((name) => name.kind === kind).map(({ value }) => value);
  return {
    method: 'client-certificate',
    trusted,
    uris: of('URI'),
    dns: of('DNS').map((name) => name.toLowerCase()),
    // Node puts each part on a line of its own; what stands in a part is escaped, line feeds and commas too.
    subject: (shown.subject ?? '').split('\n').join(', '),
    validFrom: seconds(shown.validFrom),
    validTo: seconds(shown.validTo),
    thumbprint: Buffer.from(shown.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
  };
}

const seconds = (date: string) => Math.floor(Date.parse(date) / 1000);

/**
 * Takes apart `DNS:a, URI:b`. A name that could be mistaken for two is written as a JSON string by Node
 * (CVE-2021-44532). What cannot be read as a whole proves nothing.
 */
function alternativeNames(text: string): { kind: string; value: string }[] {
  const names: { kind: string; value: string }[] = [];
  const next = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  while (next.lastIndex < text.length) {
    const found = next.exec(text);
    if (found === null) return [];
    const [, kind = '', value = ''] = found;
    try {
      names.push({ kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value });
    } catch {
      return [];
    }
  }
  return names;
}
