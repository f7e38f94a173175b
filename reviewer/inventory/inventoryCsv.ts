import { csvRow } from '../../bundle/format/csvRow.ts';
import { instantOf } from '../../bundle/format/times.ts';
import { conditionsText, entriesOf, type Inventory, lastUseOf, type View } from './inventory.ts';

const head = [
  ...[
    'api',
    'operation',
    'call',
    'tier',
    'api_owner',
    'holder',
    'through',
    'grant',
    'role',
    'since',
    'until',
  ],
  ...['conditions', 'grant_owner', 'reason', 'last_used', 'file', 'line', 'decided_by'],
];

/**
 * A line for each operation that somebody holds by a grant; the first column is what the view goes by. `decided_by` is
 * `grants`, or where rules of one's own are, which may look at more than these.
 */
export function* inventoryCsv(inventory: Inventory, by: View): Generator<string> {
  const { organisation, seen } = inventory;
  const decidedBy = inventory.ownPolicies === true ? 'policies/authz' : 'grants';
  yield csvRow([...(by === 'api' ? [] : [by === 'grant' ? 'entry' : by]), ...head]);
  for (const { name, holdings } of entriesOf(inventory, by)) {
    for (const { grant, subject, chain } of holdings)
      for (const operation of grant.covers) {
        const api = organisation.apis.get(grant.api);
        const last = lastUseOf(inventory, grant.id, operation);
        yield csvRow([
          ...(by === 'api' ? [] : [name]),
          ...[grant.api, operation, api?.operations.get(operation) ?? '', api?.tier ?? '', api?.owner ?? ''],
          ...[subject, chain.join(' > '), grant.id, grant.role ?? '', grant.granted, grant.expires ?? ''],
          ...[conditionsText(grant), grant.owner, grant.reason],
          last !== null ? instantOf(last) : seen === null ? '' : 'not seen',
          ...[grant.place.file, String(grant.place.line), decidedBy],
        ]);
      }
    const open = by === 'api' ? organisation.apis.get(name) : undefined;
    for (const operation of open?.public ?? [])
      yield csvRow([
        ...[name, operation, open?.operations.get(operation) ?? '', open?.tier ?? '', open?.owner ?? ''],
        ...['anybody', '', `public:${name}`, '', '', '', '', open?.owner ?? '', 'public'],
        ...[
          seen === null ? '' : 'not seen',
          open?.place.file ?? '',
          String(open?.place.line ?? ''),
          decidedBy,
        ],
      ]);
  }
}
