import type { Action } from '../detect/detect.ts';
import type { Finding } from '../plan/finding.ts';

/** What a title says; `owner` may be cut short at its end by "…". */
export type Title = { owner: string; actions: Readonly<Partial<Record<Action, number>>> };

const order: readonly Action[] = ['delete', 'revoke', 'suspend', 'narrow', 'renew', 'reassign', 'recertify'];
const longestOwner = 120;

/** `Access review for group:billing: revoke 2, suspend 1`; at most 256 characters, as GitHub allows. */
export function renderTitle(owner: string, findings: readonly Pick<Finding, 'action'>[]): string {
  const count = (action: Action) => findings.filter((finding) => finding.action === action).length;
  const said = order.filter((action) => count(action) > 0).map((action) => `${action} ${count(action)}`);
  const name =
    owner.length > longestOwner
      ? `${owner.slice(0, longestOwner - 1).replace(/[\s\ud800-\udbff]+$/, '')}…`
      : owner;
  return `Access review for ${name}: ${said.join(', ')}`;
}

/** Reads a title back; null for any other. */
export function parseTitle(title: string): Title | null {
  const match = /^Access review for (\S|\S.*\S): ((?:[a-z]+ \d+)(?:, [a-z]+ \d+)*)$/.exec(title);
  if (match === null) return null;
  const actions: Partial<Record<Action, number>> = {};
  for (const part of (match[2] ?? '').split(', ')) {
    const [name, count] = part.split(' ');
    const action = order.find((known) => known === name);
    if (action === undefined) return null;
    actions[action] = Number(count);
  }
  return { owner: match[1] ?? '', actions };
}
