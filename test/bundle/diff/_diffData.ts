import type { GrantLine } from '../../../bundle/data/grantLine.ts';
import { apiEntry, lineForm } from '../../gateway/_document.ts';

export type Document = {
  grants: Record<string, Record<string, GrantLine[]>>;
  principals: Record<string, { active: boolean; groups: string[] }>;
};

export const bytes = (document: Document & { networks?: Record<string, string[]> }): Buffer =>
  Buffer.from(
    lineForm({ apis: Object.fromEntries(apis.map((name) => [name, apiEntry(name)])), ...document }),
  );
export const apis = ['orders', 'payments', 'stock'];
export const operations = ['get', 'list', 'make'];
export const groups = ['group:a', 'group:a-b', 'group:c'];
export const networks = ['office', 'vpn'];

export const grant = (id: string, more: Partial<GrantLine> = {}): GrantLine => ({
  id,
  operations: ['get'],
  ...more,
});
export const member = (...theirs: string[]) => ({ active: true, groups: theirs });
