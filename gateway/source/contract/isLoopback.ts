/** Whether a host of an address is this machine: the only one that may be spoken to without TLS. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
