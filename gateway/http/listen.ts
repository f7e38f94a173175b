import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Starts a listener; later faults of it go to `onError`. Rejects with Node's error when the port cannot be had. */
export function listen(
  server: Server,
  at: { host: string; port: number } | { path: string },
  onError: (error: Error) => void,
): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    // Worker processes share ports, but a socket's path is one worker's own.
    server.listen(
      'path' in at ? { path: at.path, exclusive: true } : { host: at.host, port: at.port },
      () => {
        server.off('error', fail);
        // No more descriptors for a moment: new callers wait, those connected go on.
        server.on('error', onError);
        done();
      },
    );
  });
}

/** `http://HOST:PORT` (or `https`) of a server that listens, or the path of its Unix socket. */
export function urlOf(server: Server): string {
  const address = server.address() as AddressInfo | string;
  if (typeof address === 'string') return address;
  const scheme = 'setSecureContext' in server ? 'https' : 'http';
  return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
