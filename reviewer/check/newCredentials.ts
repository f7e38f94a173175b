import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';

type Sides = { base: Organisation; head: Organisation };

/** API → a service that holds something there and is known by a credential that it was not known by; each pair once. */
export function newCredentials({ base, head }: Sides): [api: string, service: string][] {
  const found: [api: string, service: string][] = [];
  for (const { name, credentials } of head.services.values()) {
    const before = new Set(base.services.get(name)?.credentials.map((one) => canonicalJson(one)));
    // One that came had nobody behind it: what it is granted is told as that.
    if (!base.services.has(name) || credentials.every((one) => before.has(canonicalJson(one)))) continue;
    const service = `service:${name}`;
    const holders = new Set([service, ...(head.memberships.get(service) ?? [])]);
    const apis = new Set(head.grants.flatMap(({ principal, api }) => (holders.has(principal) ? [api] : [])));
    for (const api of apis) found.push([api, service]);
  }
  return found;
}
