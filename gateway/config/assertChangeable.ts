import { isDeepStrictEqual } from 'node:util';
import { ConfigError, type GatewayConfig } from './config.ts';

/** What is bound to a process: ports, folders, keys, and whom it counts with. Of workers, to the one that looks after them, or to all of them alike. */
const bound: Readonly<Record<string, (config: GatewayConfig) => unknown>> = {
  listen: ({ listen }) => listen,
  'admin.host': ({ admin }) => admin.host,
  'admin.port': ({ admin }) => admin.port,
  'decision_point.listen': ({ decision_point }) => decision_point?.listen,
  state: ({ state }) => state,
  decisions: ({ decisions }) => decisions,
  assertion: ({ assertion }) => assertion,
  'limits.store': ({ limits }) => limits.store,
  'limits.store_password': ({ limits }) => limits.store_password,
  'log.format': ({ log }) => log.format,
  workers: ({ workers }) => workers,
};

/** Throws ConfigError that names each setting in which a configuration differs that only a new process can serve by. */
export function assertChangeable(current: GatewayConfig, next: GatewayConfig): void {
  const fixed = Object.entries(bound).flatMap(([setting, of]) =>
    isDeepStrictEqual(of(next), of(current)) ? [] : [setting],
  );
  if (fixed.length > 0)
    throw new ConfigError(
      fixed.map((setting) => `"${setting}" cannot change in a running process: restart needed`),
    );
}
