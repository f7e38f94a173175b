import type { GrantLine } from '../data/grantLine.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';

/** A grant with where it stands in data.json. */
export type HeldGrant = { api: string; principal: string; grant: GrantLine };

/** What happened to one grant. `what` names what is other than before; of suspensions it says which way. */
export type GrantChange = {
  grant: string;
  change: 'added' | 'removed' | 'changed';
  /** As it is after the change; of a removed one, as it was. */
  api: string;
  principal: string;
  what: readonly GrantPart[];
};

export type GrantPart =
  | 'api'
  | 'conditions'
  | 'expires'
  | 'operations'
  | 'params'
  | 'principal'
  | 'rate'
  | 'resumed'
  | 'suspended';

/** Compares grants by their ids, sorted. Both sides need only hold those of lines that differ. */
export function diffGrants(before: readonly HeldGrant[], after: readonly HeldGrant[]): GrantChange[] {
  const old = new Map(before.map((held) => [held.grant.id, held]));
  const now = new Map(after.map((held) => [held.grant.id, held]));
  const changes: GrantChange[] = [];
  for (const id of [...new Set([...old.keys(), ...now.keys()])].sort(compareCodePoints)) {
    const [was, is] = [old.get(id), now.get(id)];
    const held = is ?? was;
    if (held === undefined) continue;
    const { api, principal } = held;
    const what = was === undefined || is === undefined ? [] : partsChanged(was, is);
    const change = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed';
    if (change !== 'changed' || what.length > 0) changes.push({ grant: id, change, api, principal, what });
  }
  return changes;
}

function partsChanged(was: HeldGrant, is: HeldGrant): GrantPart[] {
  const parts: GrantPart[] = [];
  if (was.api !== is.api) parts.push('api');
  if (was.principal !== is.principal) parts.push('principal');
  const [old, now] = [partsOf(was.grant), partsOf(is.grant)];
  for (const part of ['conditions', 'expires', 'operations', 'params', 'rate'] as const)
    if (text(old[part]) !== text(now[part])) parts.push(part);
  if (was.grant.state !== is.grant.state)
    parts.push(is.grant.state === 'suspended' ? 'suspended' : 'resumed');
  return parts;
}

/** What is asked of parameters stands for itself. */
function partsOf({ conditions: { params, ...conditions } = {}, ...grant }: GrantLine) {
  return { ...grant, ...(Object.keys(conditions).length > 0 && { conditions }), params };
}

const text = (value: unknown) => (value === undefined ? '' : canonicalJson(value));
