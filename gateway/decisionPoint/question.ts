import type { Question } from '../decision/decision.ts';
import { anybody, isPublic } from '../identity/identify.ts';
import { routeOf } from '../request/route.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import type { Circumstances } from './authzenRequest.ts';

/** Who asks what, as {@link readEvaluation} has it. */
export type Asked = Circumstances & { subject: string | null; api: string | null; operation: string };

/**
 * What the policy is asked, by what an application says of its caller; `now` is milliseconds since 1970. Where nothing
 * can be asked, why.
 */
export function questionOf(
  snapshot: Snapshot,
  { subject, api, operation, networks, mfa, time, stated }: Asked,
  now: number,
): Question | 'no-such-operation' | 'principal-unknown' {
  const found = api === null ? null : routeOf(snapshot.apis, api, operation);
  if (found === null) return 'no-such-operation';
  const { method, route } = found;
  const open = isPublic(snapshot, route);
  if (subject === null && !open) return 'principal-unknown';
  return {
    // As at the gateway: who calls what is public is not asked.
    identity: open || subject === null ? anybody : { subject, groups: null, mfa, expiresAt: null },
    route,
    method,
    networks: [...new Set(networks)].filter((name) => snapshot.networks.has(name)).sort(),
    time: time ?? Math.floor(now / 1000),
    stated,
  };
}
