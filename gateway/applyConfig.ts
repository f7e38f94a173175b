import { isDeepStrictEqual } from 'node:util';
import { assertChangeable } from './config/assertChangeable.ts';
import { checkPlaces } from './config/checkPlaces.ts';
import type { GatewayConfig } from './config/config.ts';
import type { Collaborators } from './openCollaborators.ts';
import { isStillTrusted } from './trustedBy.ts';
import type { Wired } from './wire.ts';

/**
 * Takes over a configuration read anew while the gateway serves, and says which of its settings changed: secrets are
 * read anew in any case. Everything is judged and built beside what is in force first, so that what fails changes
 * nothing; then the new takes the place of the old, which ends its requests. Throws ConfigError that names what is
 * wrong, or what only a new process can serve by.
 */
export function createApplyConfig(collaborators: Collaborators, wired: Wired) {
  const { env, log, access, limits, bundles, streams } = collaborators;
  let current = collaborators.config;
  let last: Promise<unknown> = Promise.resolve();

  const take = async (next: GatewayConfig): Promise<readonly string[]> => {
    assertChangeable(current, next);
    checkPlaces(next, env, false);
    const follow = bundles.prepare(next);
    const handle = wired.prepare(next);
    // The last to be judged: what it opens must be used.
    const note = access.prepare(next.log);
    const changed = changes(current, next);
    const before = current;
    current = next;
    log.level = next.log.level;
    note();
    limits.take(next.limits);
    handle();
    // What is open rests on the word of whoever issued its token.
    streams.close((admission) => isStillTrusted(before, next, admission));
    await follow();
    return changed;
  };
  return (next: GatewayConfig): Promise<readonly string[]> => {
    // One after the other.
    const taken = last.then(() => take(next));
    last = taken.catch(() => undefined);
    return taken;
  };
}

function changes(current: GatewayConfig, next: GatewayConfig): string[] {
  const before = new Map<string, unknown>(Object.entries(current));
  const after = new Map<string, unknown>(Object.entries(next));
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name))).sort();
}
