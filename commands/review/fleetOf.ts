import { askHealth } from '../../gateway/admin/askHealth.ts';
import { fleetSentence, type GatewayState, isEnforced } from '../../gateway/admin/fleetStatus.ts';
import { watchFleet } from '../../gateway/admin/watchFleet.ts';
import type { Fleet } from '../../reviewer/console/views/fleetPage.ts';

const askMs = 5000;
const askEveryMs = 2000;

/** Asks gateways what they enforce and how they are, at most every two seconds however often the result is called. */
export function fleetOf(urls: readonly string[], token: string | null): () => Promise<Fleet> {
  const ask = async (): Promise<Fleet> => {
    const [status, health] = await Promise.all([
      watchFleet({ urls, token, wanted: async () => null, waitMs: 0, onWaiting: async () => {} }),
      Promise.all(urls.map((url) => askHealth(url, { timeoutMs: askMs }))),
    ]);
    return {
      sentence: fleetSentence(status),
      enforced: status.enforced,
      rows: status.gateways.map(({ answer, state }, index) => {
        const facts = 'facts' in answer ? answer.facts : null;
        return {
          ...{ url: answer.url, state: state satisfies GatewayState, good: isEnforced(state) },
          ...{ health: health[index] ?? 'unreachable', revision: facts?.revision ?? null },
          ...{ number: facts?.counter ?? null, digest: facts?.digest ?? null, grants: facts?.grants ?? null },
          ...{ loadedAt: facts?.loaded_at ?? null, lagMs: facts?.lag_ms ?? null },
        };
      }),
    };
  };
  let last: { at: number; fleet: Promise<Fleet> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.at > askEveryMs) last = { at: now, fleet: ask() };
    return last.fleet;
  };
}
