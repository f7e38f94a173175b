/**
 * Whether a host is this machine: the only one that may be spoken to without TLS, and listened on without a token.
 * Takes a URL's `hostname` and a plain address alike; a name that merely resolves to this machine is none.
 */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/.test(host);
}
