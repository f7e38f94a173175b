import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import type { Credentials, Snapshot } from '../../gateway/revision/snapshot.ts';

/**
 * Services that lose a way to prove who they are. The record does not say by which one its caller did, so nobody can
 * tell whether it still could.
 */
export function narrowedCredentials(before: Credentials, after: Credentials): ReadonlySet<string> {
  const kept = new Set(entriesOf(after).map(([key]) => key));
  return new Set(entriesOf(before).flatMap(([key, service]) => (kept.has(key) ? [] : [service])));
}

function entriesOf({ jwtClaims, ...single }: Credentials): [key: string, service: string][] {
  const entries: [string, string][] = [];
  for (const [kind, services] of Object.entries(single))
    for (const [credential, service] of services)
      entries.push([canonicalJson([kind, credential, service]), service]);
  for (const [issuer, services] of jwtClaims)
    for (const { claims, service } of services)
      entries.push([canonicalJson(['jwtClaims', issuer, claims.map((one) => [...one]), service]), service]);
  return entries;
}

/** APIs that take fewer ways of authentication than they did. Left out, an API takes them all. */
export function narrowedAuthentication(
  before: Snapshot['apis'],
  after: Snapshot['apis'],
): (api: string) => boolean {
  return (api) => {
    const [was, is] = [before.get(api)?.authentication, after.get(api)?.authentication];
    return is !== undefined && (was === undefined || was.some((way) => !is.includes(way)));
  };
}
