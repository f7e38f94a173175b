import { paramsLine } from '../../bundle/access/grantLine.ts';
import { type Access, type Holding, openAccess } from '../../bundle/access/openAccess.ts';
import { paramsText } from '../../bundle/access/paramsText.ts';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { dotSegment, operationForm, operationNameForm } from '../../bundle/openapi/operationForm.ts';
import type { Calls } from '../evidence/calls.ts';

/** When grants were used and what was asked for; seconds since 1970. */
export type ObservedUse = {
  /** Grant → operation → its last use. */
  lastUse: ReadonlyMap<string, ReadonlyMap<string, number>>;
  calls: readonly Calls[];
  records: number;
};

export const views = ['api', 'person', 'group', 'grant'] as const;
export type View = (typeof views)[number];

/** Everything that the inventory tells, as of one instant. */
export type Inventory = {
  /** Seconds since 1970. */
  asOf: number;
  revision: string | null;
  organisation: Organisation;
  access: Access;
  /** Null when no decision records were given: then nothing is said of use. */
  seen: ObservedUse | null;
  /** Other rules decide than those that come with the product; left out, nobody has looked. */
  ownPolicies?: boolean;
};

export type Known = Omit<Inventory, 'access'>;

/** What to know of all that an inventory lists, where rules of one's own decide. */
export const ownRulesText =
  'Held is what grants and the directory give; rules of your own (policies/authz) decide here, and may look at more.';

export const openInventory = (known: Known): Inventory => ({
  ...known,
  access: openAccess(known.organisation, known.asOf),
});

/** What a view lists, in order: each name with all that is held there. */
export function* entriesOf(
  { organisation, access }: Inventory,
  by: View,
): Generator<{ name: string; holdings: readonly Holding[] }> {
  const sorted = (names: Iterable<string>) => [...names].sort(compareCodePoints);
  switch (by) {
    case 'api':
      for (const name of sorted(organisation.apis.keys())) yield { name, holdings: access.byApi(name) };
      return;
    case 'person': {
      const people = [...organisation.people.keys()].map((login) => `user:${login}`);
      const services = [...organisation.services.keys()].map((service) => `service:${service}`);
      for (const name of sorted([...people, ...services])) yield { name, holdings: access.byPerson(name) };
      return;
    }
    case 'group':
      for (const name of sorted(organisation.groups.keys()))
        yield { name: `group:${name}`, holdings: access.byGroup(`group:${name}`) };
      return;
    case 'grant':
      for (const { id } of access.grants) yield { name: id, holdings: access.byGrant(id) };
      return;
    default:
      by satisfies never;
  }
}

/** The last use of a grant, for one operation or any; null where none was seen. */
export function lastUseOf({ seen }: Inventory, grant: string, operation?: string): number | null {
  const uses = seen?.lastUse.get(grant);
  if (uses === undefined) return null;
  if (operation !== undefined) return uses.get(operation) ?? null;
  return uses.size === 0 ? null : Math.max(...uses.values());
}

/** Operations that were asked for and no API declares, most asked first. */
export const uncatalogued = ({ organisation, seen }: Inventory): Calls[] =>
  (seen?.calls ?? [])
    .filter(({ api, operation }) => organisation.apis.get(api)?.operations.has(operation) !== true)
    .sort((a, b) => b.requests - a.requests);

/** What would catalogue an operation, to be put into its API's file; null where its name or path could not stand there. */
export function entryFor({ operation: name, call }: Calls): string | null {
  if (!operationNameForm.test(name) || !operationForm.test(call) || dotSegment.test(call)) return null;
  return `${name}: ${/[{}:#]/.test(call) ? JSON.stringify(call) : call}`;
}

/** Operations that nobody was seen to call, with the grants that give them. */
export function neverCalled({ organisation, access, seen }: Inventory) {
  if (seen === null) return [];
  const called = new Set(seen.calls.map(({ api, operation }) => `${api} ${operation}`));
  const given = new Map<string, Grant[]>();
  for (const grant of access.grants)
    for (const operation of access.idle(grant) === null ? grant.covers : []) {
      const key = `${grant.api} ${operation}`;
      const known = given.get(key);
      if (known === undefined) given.set(key, [grant]);
      else known.push(grant);
    }
  return [...organisation.apis.values()].flatMap(({ name: api, operations }) =>
    [...operations.keys()].flatMap((operation) => {
      const grants = given.get(`${api} ${operation}`) ?? [];
      return called.has(`${api} ${operation}`) || grants.length === 0 ? [] : [{ api, operation, grants }];
    }),
  );
}

/** "for tenant acme, with a second factor, from office or vpn"; empty when nothing is asked. */
export const conditionsText = ({ conditions, params }: Grant): string =>
  [
    ...(params ? [`for ${paramsText(paramsLine(params))}`] : []),
    ...(conditions?.mfa ? ['with a second factor'] : []),
    ...(conditions?.networks ? [`from ${conditions.networks.join(' or ')}`] : []),
  ].join(', ');
