import { canonicalJson, compareCodePoints } from './canonicalJson.ts';
import { compileCredentials } from './credentials.ts';
import { bytesOf, type Grant, type Organisation } from './model.ts';

/** What the decision needs of a grant; keys that say nothing are left out. */
function entry(grant: Grant) {
  const { conditions } = grant;
  return {
    conditions: conditions && {
      mfa: conditions.mfa,
      networks: conditions.networks && [...conditions.networks].sort(),
    },
    expires: grant.expiresAt ?? undefined,
    id: grant.id,
    operations: grant.covers,
    rate: grant.limits?.rate,
    state: grant.state === 'suspended' ? 'suspended' : undefined,
  };
}

function apis(organisation: Organisation) {
  return Object.fromEntries(
    [...organisation.apis.values()].map((api) => [
      api.name,
      {
        authentication: api.authentication && [...api.authentication].sort(),
        body: api.limits?.body && bytesOf(api.limits.body),
        description: api.description,
        operations: Object.fromEntries(api.operations),
        owner: api.owner,
        rate: api.limits?.rate,
        route: api.route,
        tier: api.tier,
        upstream: api.upstream,
      },
    ]),
  );
}

/** `{`, then one `"key":value` per line, then `}`; no line feeds at all when there is nothing. */
function lines(entries: Iterable<readonly [string, unknown]>): string {
  const sorted = [...entries].sort(([a], [b]) => compareCodePoints(a, b));
  if (sorted.length === 0) return '{}';
  return `{\n${sorted.map(([key, value]) => `${canonicalJson(key)}:${canonicalJson(value)}`).join(',\n')}\n}`;
}

/**
 * Writes an organisation as `data.json`: canonical JSON with line feeds put in so that each API-and-principal's grants
 * and each principal stand on a line of their own. `apis` and `credentials` have a line each; an API without grants
 * does not appear under `grants`; empty objects are `{}`. Without its line feeds the document is canonical JSON, and
 * the same organisation always gives the same bytes.
 */
export function compile(organisation: Organisation): Buffer {
  const byApi = new Map<string, Map<string, Grant[]>>();
  for (const grant of organisation.grants) {
    let ofApi = byApi.get(grant.api);
    if (ofApi === undefined) {
      ofApi = new Map();
      byApi.set(grant.api, ofApi);
    }
    const held = ofApi.get(grant.principal);
    if (held) held.push(grant);
    else ofApi.set(grant.principal, [grant]);
  }
  const grants = [...byApi]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([api, held]) => {
      const entries = [...held].map(
        ([principal, list]) =>
          [principal, list.sort((a, b) => compareCodePoints(a.id, b.id)).map(entry)] as const,
      );
      return `${canonicalJson(api)}:${lines(entries)}`;
    });

  const groupsOf = (principal: string) => organisation.memberships.get(principal) ?? [];
  const principals: [string, { active: boolean; groups: readonly string[] }][] = [];
  for (const { login, status } of organisation.people.values()) {
    const name = `user:${login}`;
    principals.push([name, { active: status === 'active', groups: groupsOf(name) }]);
  }
  for (const service of organisation.services.values()) {
    const name = `service:${service.name}`;
    principals.push([name, { active: service.state === 'active', groups: groupsOf(name) }]);
  }
  const networks = Object.fromEntries(organisation.networks);
  return Buffer.from(
    `{"apis":${canonicalJson(apis(organisation))},\n` +
      `"credentials":${canonicalJson(compileCredentials(organisation.services.values()))},\n` +
      `"grants":{${grants.join(',')}},` +
      `"networks":${canonicalJson(networks)},` +
      `"principals":${lines(principals)}}`,
  );
}
