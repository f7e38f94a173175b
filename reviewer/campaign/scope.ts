import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';

const kinds = ['api', 'tier', 'owner', 'group'] as const;
/** `api:orders`, `tier:high`, `owner:group:billing`, `group:billing`; null for everything. */
export type Scope = { kind: (typeof kinds)[number]; name: string };

/** Reads a scope; null for what is none. */
export function parseScope(text: string): Scope | null {
  const colon = text.indexOf(':');
  const kind = kinds.find((known) => known === text.slice(0, colon));
  const name = text.slice(colon + 1);
  if (kind === undefined || name === '') return null;
  if (kind === 'owner' && !/^(?:user|group):./.test(name)) return null;
  return { kind, name };
}

/**
 * Whether a grant is in scope: of an API, of APIs of a tier, of an owner; `group` takes what the group holds, and what
 * those hold who are in it, directly or through groups.
 */
export function inScope(
  { kind, name }: Scope,
  { api, owner, principal }: Pick<Grant, 'api' | 'owner' | 'principal'>,
  { apis, memberships }: Pick<Organisation, 'apis' | 'memberships'>,
): boolean {
  switch (kind) {
    case 'api':
      return api === name;
    case 'tier':
      return apis.get(api)?.tier === name;
    case 'owner':
      return fold(owner) === fold(name);
    case 'group': {
      const group = fold(`group:${name}`);
      const groups = memberships.get(principal) ?? [];
      return fold(principal) === group || groups.some((one) => fold(one) === group);
    }
    default:
      kind satisfies never;
      return false;
  }
}
