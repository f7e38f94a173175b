import { type Action, actions } from '../../detect/judge.ts';
import type { Finding } from '../../plan/finding.ts';
import type { DetectorTier, Risk } from '../../plan/tiers.ts';

export type TitleKind = 'Urgent' | 'Access' | 'Clean-up';
/** What a title says; `owner` may be cut short at its end by "…", and `on` holds "n APIs" where they are many. */
export type Title = {
  kind: TitleKind;
  owner: string;
  risk: Risk;
  actions: Readonly<Partial<Record<TitleAction, number>>>;
  on: readonly string[];
};

/** What a decision in a comment makes of a proposal stands in the title, too. */
export type TitleAction = Action | 'keep' | 'extend';
const order: readonly TitleAction[] = [...actions, 'extend', 'keep'];
const longestOwner = 120;
const mostApis = 3;

const kindOf = (tier: DetectorTier): TitleKind =>
  tier === 'urgent' ? 'Urgent' : tier === 'tidying' ? 'Clean-up' : 'Access';

/** `Urgent high-risk access review for` */
function beginning(kind: TitleKind, risk: Risk): string {
  const words = [
    ...(kind === 'Urgent' ? ['urgent'] : []),
    ...(risk === 'high' ? ['high-risk'] : []),
    `access ${kind === 'Clean-up' ? 'clean-up' : 'review'} for`,
  ].join(' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type Titled = { owner: string; tier: DetectorTier; risk: Risk };

/** `Urgent high-risk access review for group:billing: revoke 2, suspend 1 on payments`; at most 256 characters. */
export function renderTitle(
  { owner, tier, risk }: Titled,
  findings: readonly { action: TitleAction; api: Finding['api'] }[],
): string {
  const count = (action: TitleAction) => findings.filter((finding) => finding.action === action).length;
  const said = order.filter((action) => count(action) > 0).map((action) => `${action} ${count(action)}`);
  const name =
    owner.length > longestOwner
      ? `${owner.slice(0, longestOwner - 1).replace(/[\s\ud800-\udbff]+$/, '')}…`
      : owner;
  const apis = [...new Set(findings.map(({ api }) => api))].sort();
  const on = apis.length > mostApis || apis.join().length > 70 ? `${apis.length} APIs` : apis.join(', ');
  return `${beginning(kindOf(tier), risk)} ${name}: ${said.join(', ')} on ${on}`;
}

const kinds = ['Urgent', 'Access', 'Clean-up'] as const;
const risks = ['high', 'routine'] as const;
const pattern = /^(\S|\S.*\S): ((?:[a-z]+ \d+)(?:, [a-z]+ \d+)*) on (\d+ APIs|[a-z0-9-]+(?:, [a-z0-9-]+)*)$/;

/** Reads a title back; null for any other. */
export function parseTitle(title: string): Title | null {
  for (const kind of kinds)
    for (const risk of risks) {
      const begins = `${beginning(kind, risk)} `;
      const match = title.startsWith(begins) ? pattern.exec(title.slice(begins.length)) : null;
      if (match === null) continue;
      const [, owner = '', counts = '', on = ''] = match;
      const actions: Partial<Record<TitleAction, number>> = {};
      for (const part of counts.split(', ')) {
        const [name, count] = part.split(' ');
        const action = order.find((known) => known === name);
        if (action === undefined) return null;
        actions[action] = Number(count);
      }
      return { kind, owner, risk, actions, on: on.split(', ') };
    }
  return null;
}
