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
  ...['conditions', 'grant_owner', 'reason', 'last_used', 'file', 'line'],
];

// What a spreadsheet takes for a formula, also in full width and behind blanks that it drops.
const formula = /^[\s\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

// What steers a terminal, or turns the text around it; the break of a line stays, in quotes.
const steering = /(?![\t\r\n])[\p{Cc}\p{Bidi_Control}]/gu;

/** One cell: never run by a spreadsheet nor by a terminal, and read back by RFC 4180. */
export function cell(text: string): string {
  const value = text.replace(steering, '\ufffd');
  const safe = formula.test(value) ? `'${value}` : value;
  return /[",\r\n;]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const row = (cells: readonly string[]) => `${cells.map(cell).join(',')}\r\n`;

/** A line for each operation that somebody holds by a grant; the first column is what the view goes by. */
export function* inventoryCsv(inventory: Inventory, by: View): Generator<string> {
  const { organisation, seen } = inventory;
  yield row([...(by === 'api' ? [] : [by === 'grant' ? 'entry' : by]), ...head]);
  for (const { name, holdings } of entriesOf(inventory, by)) {
    for (const { grant, subject, chain } of holdings)
      for (const operation of grant.covers) {
        const api = organisation.apis.get(grant.api);
        const last = lastUseOf(inventory, grant.id, operation);
        yield row([
          ...(by === 'api' ? [] : [name]),
          ...[grant.api, operation, api?.operations.get(operation) ?? '', api?.tier ?? '', api?.owner ?? ''],
          ...[subject, chain.join(' > '), grant.id, grant.role ?? '', grant.granted, grant.expires ?? ''],
          ...[conditionsText(grant), grant.owner, grant.reason],
          last !== null ? instantOf(last) : seen === null ? '' : 'not seen',
          ...[grant.place.file, String(grant.place.line)],
        ]);
      }
    const open = by === 'api' ? organisation.apis.get(name) : undefined;
    for (const operation of open?.public ?? [])
      yield row([
        ...[name, operation, open?.operations.get(operation) ?? '', open?.tier ?? '', open?.owner ?? ''],
        ...['anybody', '', `public:${name}`, '', '', '', '', open?.owner ?? '', 'public'],
        ...[seen === null ? '' : 'not seen', open?.place.file ?? '', String(open?.place.line ?? '')],
      ]);
  }
}
