import { instantOf } from '../../bundle/format/times.ts';
import type { Calls } from '../evidence/calls.ts';
import {
  entriesOf,
  entryFor,
  type Inventory,
  lastUseOf,
  neverCalled,
  uncatalogued,
  type View,
} from './inventory.ts';

const callsJson = (calls: Calls) => ({
  ...calls,
  entry: entryFor(calls),
  first: instantOf(calls.first),
  last: instantOf(calls.last),
});

/** The inventory for programs; the keys are an interface. `entries` are what the view goes by. */
export function inventoryJson(inventory: Inventory, by: View): unknown {
  const { asOf, revision, organisation, access, seen } = inventory;
  return {
    as_of: instantOf(asOf),
    revision,
    records: seen?.records ?? null,
    own_policies: inventory.ownPolicies ?? false,
    apis: [...organisation.apis.values()].map(
      ({ name, description, tier, owner, operations, roles, ...api }) => ({
        ...{ api: name, description, tier, owner },
        operations: Object.fromEntries(operations),
        public: api.public ?? [],
        roles: Object.fromEntries(roles),
      }),
    ),
    grants: access.grants.map((grant) => ({
      ...{ grant: grant.id, api: grant.api, principal: grant.principal, role: grant.role ?? null },
      ...{ operations: grant.covers, owner: grant.owner, reason: grant.reason, since: grant.granted },
      ...{
        until: grant.expires ?? null,
        conditions: grant.conditions ?? {},
        params: grant.params ?? {},
        idle: access.idle(grant),
      },
      ...{ holders: access.byGrant(grant.id).length, file: grant.place.file, line: grant.place.line },
      last_used:
        seen === null
          ? null
          : Object.fromEntries(
              grant.covers.flatMap((operation) => {
                const last = lastUseOf(inventory, grant.id, operation);
                return last === null ? [] : [[operation, instantOf(last)]];
              }),
            ),
    })),
    by,
    entries: [...entriesOf(inventory, by)].map(({ name, holdings }) => ({
      [by]: name,
      holdings: holdings.map(({ grant, subject, chain }) => ({
        ...{ holder: subject, through: chain, grant: grant.id, api: grant.api, operations: grant.covers },
      })),
    })),
    not_catalogued: seen === null ? null : uncatalogued(inventory).map(callsJson),
    never_called:
      seen === null
        ? null
        : neverCalled(inventory).map(({ api, operation, grants }) => ({
            ...{ api, operation, grants: grants.map(({ id }) => id) },
          })),
  };
}
