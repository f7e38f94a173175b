import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Finding } from './finding.ts';
import { editOf } from './propose.ts';

/** Who can do less once a finding is carried out. */
export type Losses = {
  /** Operations the grant gives no more, sorted. */
  operations: readonly string[];
  /** Active people and services that can no longer do something, sorted; with what. */
  losing: readonly { principal: string; operations: readonly string[] }[];
  /** How many keep it all through other grants. */
  keeping: number;
  /** The grant gives nobody anything today: it has expired, is suspended, or its principal is inactive. */
  idle: boolean;
};

/** What the grant still covers afterwards. */
function remaining(finding: Finding, grant: Grant, organisation: Organisation): readonly string[] {
  const edit = editOf(finding);
  if (edit.kind !== 'narrow') return [];
  if ('operations' in edit.to) return edit.to.operations;
  return organisation.apis.get(grant.api)?.roles.get(edit.to.role) ?? [];
}

/** The principals that a grant reaches: its own, or everybody in the group, directly or through groups. */
function reached(principal: string, organisation: Organisation): string[] {
  if (!principal.startsWith('group:')) return [principal];
  return [...organisation.memberships]
    .filter(([, groups]) => groups.includes(principal))
    .map(([name]) => name);
}

function isActive(principal: string, organisation: Organisation): boolean {
  const name = principal.slice(principal.indexOf(':') + 1);
  return principal.startsWith('user:')
    ? organisation.people.get(name)?.status === 'active'
    : organisation.services.get(name)?.state === 'active';
}

/**
 * Works out who loses what. Another grant counts as keeping access only when it is active, has not expired at `asOf`
 * (seconds) and asks for no conditions: what may not hold is no promise.
 */
export function losses(finding: Finding, organisation: Organisation, asOf: number): Losses {
  const grant = organisation.grants.find(({ id }) => id === finding.grant);
  if (grant === undefined) return { operations: [], losing: [], keeping: 0, idle: true };
  const left = remaining(finding, grant, organisation);
  const operations = grant.covers.filter((operation) => !left.includes(operation));
  const isLive = ({ state, expiresAt }: Grant) =>
    state === 'active' && (expiresAt === null || asOf < expiresAt);
  const others = organisation.grants.filter(
    (other) =>
      other.id !== grant.id && other.api === grant.api && isLive(other) && other.conditions === undefined,
  );
  const members = reached(grant.principal, organisation)
    .filter((member) => isActive(member, organisation))
    .sort();
  const losing = members.flatMap((principal) => {
    const groups = organisation.memberships.get(principal) ?? [];
    const lost = operations.filter(
      (operation) =>
        !others.some(
          (other) =>
            (other.principal === principal || groups.includes(other.principal)) &&
            other.covers.includes(operation),
        ),
    );
    return lost.length > 0 ? [{ principal, operations: lost }] : [];
  });
  const idle = !isLive(grant) || members.length === 0;
  return {
    operations,
    losing: isLive(grant) ? losing : [],
    keeping: isLive(grant) ? members.length - losing.length : 0,
    idle,
  };
}
