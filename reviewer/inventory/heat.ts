import { counted } from '../../bundle/format/counted.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { type Inventory, lastUseOf } from './inventory.ts';

/** Who stands over a column: a group, or everybody who holds something directly. */
export const columnOf = ({ principal }: Pick<Grant, 'principal'>): string =>
  principal.startsWith('group:') ? principal : 'directly';

export type Heat = { held: number; used: number };

/** API → column → how many operations of how many grants are held, and used. */
export function heat(inventory: Inventory): Map<string, Map<string, Heat>> {
  const rows = new Map<string, Map<string, Heat>>();
  for (const grant of inventory.access.grants) {
    if (inventory.access.idle(grant) !== null) continue;
    const row = rows.get(grant.api) ?? new Map<string, Heat>();
    rows.set(grant.api, row);
    const cell = row.get(columnOf(grant)) ?? { held: 0, used: 0 };
    row.set(columnOf(grant), cell);
    cell.held += grant.covers.length;
    cell.used += grant.covers.filter((one) => lastUseOf(inventory, grant.id, one) !== null).length;
  }
  return rows;
}

/** What stands over a column. */
export const headOf = (column: string): string => column.replace(/^group:/, '');

/** What a cell says, and in full as its title; `known`: whether something is known of use. */
export function heatText(
  { held, used }: Heat,
  { api, column, known }: { api: string; column: string; known: boolean },
): { share: number | null; text: string; title: string } {
  const share = known ? used / held : null;
  return {
    share,
    text: share === null ? String(held) : `${Math.floor(share * 100)} %`,
    title: `${headOf(column)} on ${api}: ${counted(held, 'operation')} held${known ? `, ${used} used` : ''}`,
  };
}
