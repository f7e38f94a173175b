import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../config/config.ts';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken already: end what listens there, or choose another port',
  EACCES: 'may not be listened on by this user: choose a port from 1024 on, or another path',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
};

/**
 * Starts a listener; later faults of it go to `onError`. Throws ConfigError that names the `setting` when the port cannot
 * be had.
 */
export function listen(
  server: Server,
  at: { host: string; port: number } | { path: string },
  onError: (error: Error) => void,
  setting: string,
): Promise<void> {
  return new Promise((done, fail) => {
    const refuse = (cause: NodeJS.ErrnoException) => {
      const reason = reasons[cause.code ?? ''];
      const where = 'path' in at ? at.path : `${at.host}:${at.port}`;
      fail(
        reason === undefined ? cause : new ConfigError([`"${setting}": ${where} ${reason} (${cause.code})`]),
      );
    };
    server.once('error', refuse);
    // Worker processes share ports, but a socket's path is one worker's own.
    server.listen(
      'path' in at ? { path: at.path, exclusive: true } : { host: at.host, port: at.port },
      () => {
        server.off('error', refuse);
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
