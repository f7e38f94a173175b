import { readFileSync } from 'node:fs';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { ConfigError, type GatewayConfig } from '../config/config.ts';

/** TLS for callers. */
export type Tls = {
  /** The server, set up and not yet listening. */
  createServer: (options: ServerOptions, serve: RequestListener) => Server;
  /** Ends the connections that are still in their handshake. */
  abandon: () => void;
  /** Reads the files anew, and serves new connections with them if they changed; says so. Runs every minute. */
  refresh: () => boolean;
};

const refreshMs = 60_000;

/**
 * Reads certificate, key and authorities; null when none are configured. Throws ConfigError when they cannot be served
 * with. Later they may become so: that goes to `onFailure`, and the ones read before go on.
 */
export function openTls(
  {
    listen: { tls: files },
    limits,
  }: {
    listen: Pick<GatewayConfig['listen'], 'tls'>;
    limits: Pick<GatewayConfig['limits'], 'headers_timeout'>;
  },
  onFailure: (error: unknown) => void,
): Tls | null {
  if (files === undefined) return null;
  const read = () => {
    const pems = {
      cert: readFileSync(files.cert, 'utf8'),
      key: readFileSync(files.key, 'utf8'),
      ...(files.client_ca === undefined ? {} : { ca: readFileSync(files.client_ca, 'utf8') }),
    };
    if (pems.ca !== undefined && !pems.ca.includes('-----BEGIN CERTIFICATE-----'))
      throw new Error(`${files.client_ca} holds no certificate`);
    createSecureContext(pems);
    return pems;
  };
  let current: ReturnType<typeof read>;
  try {
    current = read();
  } catch (error) {
    throw new ConfigError([`"listen.tls" cannot be used: ${error instanceof Error ? error.message : error}`]);
  }
  const handshakes = new Map<string, Socket>();
  let apply: (pems: typeof current) => void = () => {};

  const refresh = () => {
    try {
      const next = read();
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) return false;
      apply(next);
      current = next;
      return true;
    } catch (error) {
      onFailure(error);
      return false;
    }
  };

  return {
    createServer: (options, serve) => {
      const server = createServer(
        {
          ...options,
          ...current,
          handshakeTimeout: limits.headers_timeout,
          minVersion: 'TLSv1.2',
          ALPNProtocols: ['http/1.1'],
          requestCert: current.ca !== undefined,
          // Those without a certificate of ours may have a token; authenticate looks at what was verified.
          rejectUnauthorized: false,
        },
        serve,
      );
      server.on('connection', (socket: Socket) => {
        const peer = peerOf(socket);
        handshakes.set(peer, socket);
        socket.once('close', () => {
          if (handshakes.get(peer) === socket) handshakes.delete(peer);
        });
      });
      server.prependListener('secureConnection', (socket) => handshakes.delete(peerOf(socket)));
      // Before a connection is secure there is nobody to answer in plain text.
      server.prependListener('tlsClientError', (_error, socket) => socket.destroy());
      apply = (pems) => server.setSecureContext({ ...pems, minVersion: 'TLSv1.2' });
      const timer = setInterval(refresh, refreshMs).unref();
      server.once('close', () => clearInterval(timer));
      return server;
    },
    abandon: () => {
      for (const socket of handshakes.values()) socket.destroy();
    },
    refresh,
  };
}

/** The same for a connection before and after its handshake. */
const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
