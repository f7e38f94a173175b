import type { Registry } from 'prom-client';
import { createApplyConfig } from './applyConfig.ts';
import type { GatewayConfig } from './config/config.ts';
import { listen, urlOf } from './http/listen.ts';
import type { Collaborators } from './openCollaborators.ts';
import type { Wired } from './wire.ts';

/** A running gateway. */
export type Gateway = {
  /** `http://HOST:PORT` of the listener for callers; empty while a worker's is closed. */
  url: string;
  /** `http://HOST:PORT` of the listener for operators. */
  admin: string;
  /** The same of the listener for those who ask and enforce themselves; null when none is configured. */
  decisionPoint: string | null;
  /** A worker's listeners are opened when it is told to: until it has a bundle, others can serve. */
  open: () => Promise<Pick<Gateway, 'url' | 'decisionPoint'>>;
  /** The revision in force, or null. */
  revision: () => string | null;
  /** Makes the next key of assertions, or reads their key file anew. */
  rotate: () => void;
  /** Opens the file of the access log anew. */
  reopen: () => void;
  /**
   * Serves by another configuration from now on, without a request lost; says which settings changed. Throws ConfigError
   * when that cannot be: then all goes on as before.
   */
  take: (config: GatewayConfig) => Promise<readonly string[]>;
  /** What `/metrics` tells, for whoever adds it up. */
  metrics: () => ReturnType<Registry['getMetricsAsJSON']>;
  /**
   * Stops taking requests, lets those under way end within the drain time, then closes everything. Idle connections
   * are left open for `lingerMs`, so that each can be told to go elsewhere with the answer to its next request.
   */
  close: (lingerMs?: number) => Promise<void>;
};

/** Listens, keeps the clocks going, and closes everything in its order. Throws ConfigError when a port is taken. */
export async function run(collaborators: Collaborators, wired: Wired): Promise<Gateway> {
  const { config, worker, log, access, metrics, writer, assertions, bundles, limits } = collaborators;
  const { enforcement } = bundles;
  const { admin, listeners, sweep, drain, close: closeWired } = wired;
  const heartbeat = () => {
    writer.heartbeat();
    writer.probe();
  };
  const beat = setInterval(heartbeat, 60_000);
  const sweeping = setInterval(() => {
    if (writer.fault !== null) writer.probe();
    sweep();
  }, 1000);

  let shutting: Promise<void> | null = null;
  const close = (lingerMs = 0) => {
    shutting ??= shut(lingerMs);
    return shutting;
  };
  const shut = async (lingerMs: number) => {
    clearInterval(beat);
    clearInterval(sweeping);
    assertions.close();
    await Promise.all([drain(lingerMs), bundles.close()]);
    await closeWired();
    limits.close();
    admin.closeAllConnections();
    await new Promise((done) => admin.close(done));
    writer.heartbeat();
    writer.close();
    access.close();
    log.info('stopped');
    log.flush();
  };

  try {
    heartbeat();
    const onError = (error: Error) => log.error({ err: error }, 'listener failed');
    await listen(admin, worker?.admin ?? config.admin, onError, 'admin');
    if (worker === undefined) await listeners.open();
  } catch (error) {
    await close();
    throw error;
  }
  const urls = { ...listeners.urls(), admin: urlOf(admin) };
  log.info({ ...urls, source: config.bundle.source }, 'listening');
  return {
    ...urls,
    open: listeners.open,
    revision: () => enforcement()?.snapshot.revision ?? null,
    rotate: assertions.rotate,
    reopen: access.reopen,
    take: createApplyConfig(collaborators, wired),
    metrics: () => metrics.registry.getMetricsAsJSON(),
    close,
  };
}
