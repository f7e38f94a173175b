import { publicGrant } from '../data/anonymous.ts';
import type { GrantLine } from '../data/grantLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { isLive } from '../grants/dates.ts';
import type { Grant, Organisation } from '../grants/organisation.ts';
import { isActive } from './accountStatus.ts';
import { createReach, type Reach } from './reach.ts';

/** One person or service that a grant gives something, and how it comes to it. */
export type Holding = {
  grant: Grant;
  /** `user:LOGIN` or `service:NAME`. */
  subject: string;
  /** The groups between, from the one that the subject is in to the one that the grant names; empty when it names the subject. */
  chain: readonly string[];
};

/** Why a grant gives nobody anything. */
export type Idle = 'suspended' | 'expired' | 'nobody';

/**
 * Who can do what by one revision, at one instant. Only what really is given is held: by grants that are active and have
 * not ended, to active accounts that a directory knows. Lists are sorted by grant, then subject.
 */
export type Access = {
  byApi(api: string): readonly Holding[];
  /** Of one person or service. */
  byPerson(subject: string): readonly Holding[];
  /** What its members hold by being in the group: by its grants and those of the groups that it is in. */
  byGroup(group: string): readonly Holding[];
  byGrant(id: string): readonly Holding[];
  /** The grants that give the members of a group something, with the groups from it to the one that each names. */
  ofGroup(group: string): readonly { grant: Grant; higher: readonly string[] }[];
  /** Null when the grant gives something. */
  idle(grant: Grant): Idle | null;
  isActive(subject: string): boolean;
  /** Every grant, also one that gives nothing, sorted by id. */
  grants: readonly Grant[];
  /** The rate that an API holds everybody to; undefined: it has none. */
  rateOf(api: string): string | undefined;
  /** What anybody may do at an API, as its document has it. */
  openOf(api: string): readonly GrantLine[];
  /** Every grant that names a principal, or one of the groups it is in. */
  grantsOf(subject: string): readonly Grant[];
  /** Active people and services that a grant to this principal reaches, sorted, with the chain of groups. */
  reached(principal: string): Reach;
};

/** Opens an organisation's access at `at`, whole seconds since 1970; null for no instant: then nothing has ended. */
export function openAccess(organisation: Organisation, at: number | null): Access {
  const grants = [...organisation.grants].sort((a, b) => compareCodePoints(a.id, b.id));
  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  const ofApi = Map.groupBy(grants, ({ api }) => api);
  const ofPrincipal = Map.groupBy(grants, ({ principal }) => principal);
  const reachOf = createReach(organisation);
  const above = createAbove(organisation);
  const holds = (grant: Grant) => isLive(grant, at);
  const reachable = new Map<string, Reach>();
  const reached = (principal: string): Reach => {
    let found = reachable.get(principal);
    if (found === undefined) {
      const all: Reach = principal.startsWith('group:') ? reachOf(principal) : new Map([[principal, []]]);
      const active = [...all].filter(([name]) => isActive(name, organisation));
      found = new Map(active.sort(([a], [b]) => compareCodePoints(a, b)));
      reachable.set(principal, found);
    }
    return found;
  };
  const holdings = (grant: Grant): Holding[] =>
    holds(grant) ? [...reached(grant.principal)].map(([subject, chain]) => ({ grant, subject, chain })) : [];
  const grantsOf = (subject: string) =>
    [subject, ...(organisation.memberships.get(subject) ?? [])]
      .flatMap((holder) => ofPrincipal.get(holder) ?? [])
      .sort((a, b) => compareCodePoints(a.id, b.id));
  const ofGroup = (group: string) =>
    [group, ...above(group)]
      .flatMap((name) => (ofPrincipal.get(name) ?? []).filter(holds))
      .sort((a, b) => compareCodePoints(a.id, b.id))
      .map((grant) => ({
        grant,
        higher: grant.principal === group ? [] : (reachOf(grant.principal).get(group) ?? []),
      }));
  return {
    byApi: (api) => (ofApi.get(api) ?? []).flatMap(holdings),
    byPerson: (subject) =>
      !isActive(subject, organisation)
        ? []
        : grantsOf(subject)
            .filter(holds)
            .map((grant) => ({ grant, subject, chain: reached(grant.principal).get(subject) ?? [] })),
    ofGroup,
    byGroup: (group) =>
      ofGroup(group).flatMap(({ grant, higher }) =>
        [...reached(group)].map(([subject, chain]) => ({ grant, subject, chain: [...chain, ...higher] })),
      ),
    byGrant(id) {
      const grant = byId.get(id);
      return grant === undefined ? [] : holdings(grant);
    },
    idle(grant) {
      if (holds(grant)) return reached(grant.principal).size === 0 ? 'nobody' : null;
      // Of both the end is told, as a gateway does.
      return isLive({ ...grant, state: 'active' }, at) ? 'suspended' : 'expired';
    },
    isActive: (subject) => isActive(subject, organisation),
    grants,
    rateOf: (api) => organisation.apis.get(api)?.limits?.rate,
    openOf(api) {
      const open = organisation.apis.get(api)?.public ?? [];
      return open.length === 0 ? [] : [publicGrant(api, open)];
    },
    grantsOf,
    reached,
  };
}

/** Answers every group that a group is in, however far up. */
function createAbove({ groups }: Pick<Organisation, 'groups'>): (group: string) => ReadonlySet<string> {
  const parents = new Map<string, string[]>();
  for (const { name, members } of groups.values())
    for (const member of members)
      if (member.startsWith('group:')) {
        const known = parents.get(member);
        if (known === undefined) parents.set(member, [`group:${name}`]);
        else known.push(`group:${name}`);
      }
  return (group) => {
    const found = new Set<string>();
    const open = [group];
    for (let name = open.pop(); name !== undefined; name = open.pop())
      for (const parent of parents.get(name) ?? [])
        if (parent !== group && !found.has(parent)) {
          found.add(parent);
          open.push(parent);
        }
    return found;
  };
}
