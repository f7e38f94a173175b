import { changeGrants } from '../../bundle/access/changeGrants.ts';
import { type Access, type Idle, openAccess } from '../../bundle/access/openAccess.ts';
import { endOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Edit } from '../edit/edit.ts';

/** Who can do less by one of several edits that are made together. */
export type Losses = {
  /** Operations the grant gives no more, sorted. */
  operations: readonly string[];
  /** Active people and services that can no longer do something, sorted; with what. */
  losing: readonly { principal: string; operations: readonly string[] }[];
  /** Those who can still do it by other grants, but not as freely: elsewhere, with a second factor, less often, for a shorter time. */
  restricted: readonly { principal: string; operations: readonly string[] }[];
  /** How many keep it all without this grant. */
  keeping: number;
  /** Why the grant gives nobody anything today; null when it does. */
  idle: Idle | null;
};

/** A grant as an edit leaves it; null when it goes. */
function edited(edit: Edit, grant: Grant, organisation: Organisation): Grant | null {
  switch (edit.kind) {
    case 'delete':
      return null;
    case 'suspend':
      return { ...grant, state: 'suspended' };
    case 'narrow': {
      const { to } = edit;
      const covers =
        'operations' in to
          ? to.operations
          : (organisation.apis.get(grant.api)?.roles.get(to.role) ?? []).filter(
              // Of a role, what does not have the parameters is not granted.
              (operation) => grant.params === undefined || grant.covers.includes(operation),
            );
      return { ...grant, covers };
    }
    case 'set': {
      const { state = grant.state, expires, principal = grant.principal, conditions, limits } = edit.to;
      return {
        ...{ ...grant, state, principal },
        ...(expires !== undefined && { expires, expiresAt: endOf(expires) }),
        ...(conditions && { conditions: { ...grant.conditions, ...conditions } }),
        ...(limits && { limits: { ...grant.limits, ...limits } }),
      };
    }
    default:
      edit satisfies never;
      return grant;
  }
}

/**
 * Works out who loses what by all edits of one change together, at `asOf` (seconds): by grant. It is what a difference
 * of the two revisions tells: what two grants give and both take away is lost by each of them.
 */
export function losses(
  edits: readonly Edit[],
  organisation: Organisation,
  asOf: number,
): ReadonlyMap<string, Losses> {
  const access = openAccess(organisation, asOf);
  const byGrant = Map.groupBy(edits, ({ grant }) => grant);
  const grants = access.grants.filter(({ id }) => byGrant.has(id));
  const next = new Map<string, Grant | null>();
  for (const grant of grants) {
    let left: Grant | null = grant;
    for (const edit of byGrant.get(grant.id) ?? [])
      if (left !== null) left = edited(edit, left, organisation);
    next.set(grant.id, left);
  }
  const lost = new Map<string, Map<string, Set<string>>>();
  const restricted = new Map<string, Map<string, Set<string>>>();
  for (const { kind, subject, operations, before, after } of changeGrants(access, next, asOf)) {
    if (kind === 'gains' || kind === 'loosened' || kind === 'extended') continue;
    for (const { grant } of before) {
      const made = byGrant.get(grant);
      if (made === undefined) continue;
      // Who still has it by this grant as it was owes nothing to this grant's edit.
      if (made.every(({ kind }) => kind !== 'set') && after.some((way) => way.grant === grant)) continue;
      note(kind === 'loses' ? lost : restricted, grant, subject, operations);
    }
  }
  return new Map(
    grants.map((grant) => [
      grant.id,
      lossesOf(grant, access, {
        after: next.get(grant.id) ?? null,
        lost: lost.get(grant.id),
        restricted: restricted.get(grant.id),
      }),
    ]),
  );
}

type BySubject = Map<string, Set<string>>;

function note(
  to: Map<string, BySubject>,
  grant: string,
  subject: string,
  operations: readonly string[],
): void {
  const subjects = to.get(grant) ?? new Map<string, Set<string>>();
  to.set(grant, subjects);
  subjects.set(subject, (subjects.get(subject) ?? new Set()).union(new Set(operations)));
}

const listed = (subjects: BySubject | undefined) =>
  [...(subjects ?? [])].map(([principal, operations]) => ({ principal, operations: [...operations].sort() }));

type Change = {
  /** The grant then; null where it is gone. */
  after: Grant | null;
  lost: BySubject | undefined;
  restricted: BySubject | undefined;
};

function lossesOf(grant: Grant, access: Access, { after, lost, restricted }: Change): Losses {
  const left = after?.state === 'active' ? after.covers : [];
  const idle = access.idle(grant);
  const hit = new Set([...(lost?.keys() ?? []), ...(restricted?.keys() ?? [])]);
  return {
    operations: grant.covers.filter((operation) => !left.includes(operation)),
    losing: listed(lost),
    restricted: listed(restricted),
    keeping: idle !== null ? 0 : access.reached(grant.principal).size - hit.size,
    idle,
  };
}
