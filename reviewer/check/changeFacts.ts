import { compareAccess } from '../../bundle/access/compareAccess.ts';
import { grantLine } from '../../bundle/access/grantLine.ts';
import { anonymous } from '../../bundle/data/anonymous.ts';
import type { TreeDiff } from '../../bundle/diff/diffTrees.ts';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { dayOf } from '../../bundle/format/times.ts';
import type { Api, Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Tier } from '../../bundle/grants/schema.ts';
import { isSame, type Removal } from '../../bundle/grants/usedIds.ts';
import { dutiesOf } from '../detect/duties.ts';
import { newCredentials } from './newCredentials.ts';
import { openedApis } from './openedApis.ts';
import { ownReviews } from './ownReviews.ts';
import { putOff } from './putOff.ts';
import { targetOf } from './targetOf.ts';

/** One thing that a pull request changes, as the rules are asked about it; instants in seconds since 1970. */
export type ChangeFact = {
  /**
   * What becomes of access by one grant; `public`: of anybody's; `joins`: of somebody's, by the directory; `opened`: of
   * what grants refer to; `put-off`: of when reviews ask about a grant; `put-back`: what was taken away;
   * `own-review`: access of one person alone is answered for anew; or what else changes.
   */
  kind:
    | ReturnType<typeof compareAccess>[number]['kind']
    | 'public'
    | 'joins'
    | 'opened'
    | 'weakened'
    | 'put-off'
    | 'put-back'
    | 'own-review'
    | 'duties'
    | 'rules';
  api?: string;
  tier?: Tier;
  owner?: string;
  grant?: string;
  expires_at?: number;
  /** Of an `own-review`: whose access it is, and who else answers for it. */
  holder?: string;
  answers?: string;
};

/** The facts, and what is said of each where a rule names it. */
export type ChangeFacts = {
  changes: readonly ChangeFact[];
  /** Of the same place in the list: what a person is told. */
  details: readonly string[];
  /** API → people who gain access there, or keep it for longer or under looser conditions. */
  gainers: ReadonlyMap<string, readonly string[]>;
};

type Sides = { base: Organisation; head: Organisation };
type Options = Sides & {
  diff: TreeDiff;
  rulesChanged: readonly string[];
  /** By ids of grants that come, which commits took them away before, the newest first. */
  removed: ReadonlyMap<string, readonly Removal[]>;
  asOf: number;
};

const tiers: readonly Tier[] = ['low', 'medium', 'high', 'critical'];
const higher = (one: Tier, other: Tier) => (tiers.indexOf(one) >= tiers.indexOf(other) ? one : other);
const widening: ReadonlySet<string> = new Set(['gains', 'loosened', 'altered', 'extended']);

/** Gathers what rules are asked about. Each grant is looked at alone: what it gives others today may go tomorrow. */
export function changeFacts({ base, head, diff, rulesChanged, removed, asOf }: Options): ChangeFacts {
  const found: [ChangeFact, string][] = [];
  const guard = createGuard({ base, head });
  const was = new Map(base.grants.map((grant) => [grant.id, grant]));
  const is = new Map(head.grants.map((grant) => [grant.id, grant]));
  /** Those that give somebody more by themselves, which is told of each. */
  const wider = new Set<string>();
  for (const { api, change, principal, grant } of diff.grants) {
    if (principal !== anonymous || change === 'removed') continue;
    wider.add(grant);
    found.push([{ kind: 'public', ...guard(api) }, api]);
  }
  for (const { grant } of diff.grants)
    for (const kind of kindsOf(was.get(grant), is.get(grant))) {
      if (widening.has(kind)) wider.add(grant);
      const now = is.get(grant) ?? was.get(grant);
      if (now === undefined) continue;
      const expires = is.get(grant)?.expiresAt ?? null;
      const end = expires === null ? {} : { expires_at: expires };
      found.push([{ kind, ...guard(now.api), grant, ...end }, grant]);
    }
  for (const { kind, api, after, who, group } of diff.changes) {
    if (kind !== 'gains' || after.every(({ grant }) => wider.has(grant))) continue;
    found.push([{ kind: 'joins', ...guard(api) }, group ?? who[0] ?? '']);
  }
  for (const api of base.apis.values()) {
    const now = head.apis.get(api.name);
    if (now === undefined) continue;
    if (higher(now.tier, api.tier) !== now.tier || now.owner !== api.owner)
      found.push([{ kind: 'weakened', api: api.name, tier: api.tier, owner: api.owner }, api.name]);
  }
  for (const api of openedApis({ base, head, heads: diff.heads }))
    found.push([{ kind: 'opened', ...guard(api) }, api]);
  for (const [api, service] of newCredentials({ base, head }))
    found.push([{ kind: 'joins', ...guard(api) }, `${service}, by another credential`]);
  found.push(...newDuties({ base, head }, guard, asOf));
  for (const { grant, detail } of putOff({ base, head }, asOf))
    found.push([{ kind: 'put-off', ...guard(grant.api), grant: grant.id }, detail]);
  for (const { grant, holder, answers } of ownReviews({ base, head }))
    found.push([{ kind: 'own-review', ...guard(grant.api), grant: grant.id, holder, answers }, grant.id]);
  for (const [id, [last]] of removed) {
    const now = is.get(id);
    // Of another grant under its id the problems tell.
    if (last === undefined || now === undefined || !isSame(now, last)) continue;
    const by = `${last.subject.slice(0, 100)}, ${last.commit.slice(0, 12)}`;
    found.push([
      { kind: 'put-back', ...guard(now.api), grant: id },
      `${id}, which was taken away on ${dayOf(last.at)} (${by})`,
    ]);
  }
  if (rulesChanged.length > 0) found.push([{ kind: 'rules' }, rulesChanged.join(', ')]);
  return {
    changes: found.map(([change]) => change),
    details: found.map(([, detail]) => detail),
    gainers: gainersOf(diff),
  };
}

/** How one grant, by itself, becomes more or less. */
function kindsOf(was: Grant | undefined, is: Grant | undefined): ReadonlySet<ChangeFact['kind']> {
  const moved =
    was !== undefined && is !== undefined && (was.principal !== is.principal || was.api !== is.api);
  const held = (grant: Grant | undefined) =>
    grant === undefined ? [] : [{ through: grant.principal, grant: grantLine(grant) }];
  const api = is?.api ?? was?.api ?? '';
  // A rate that its API's bounds today may bound by itself tomorrow.
  const changes = compareAccess({ name: api, rates: [] }, moved ? [] : held(was), held(is), null);
  return new Set(changes.map(({ kind }) => kind));
}

type Guard = (api: string) => Required<Pick<ChangeFact, 'api' | 'tier' | 'owner'>>;

/**
 * Who answers for an API, and its tier: as base has it, and higher where head says so. An API that comes to an upstream
 * of the base, new or from elsewhere, is guarded as the highest one there is.
 */
function createGuard({ base, head }: Sides): Guard {
  const byHost = new Map<string, Api>();
  for (const api of base.apis.values()) {
    const host = hostOf(api);
    const known = byHost.get(host);
    if (known === undefined || higher(known.tier, api.tier) !== known.tier) byHost.set(host, api);
  }
  return (name) => {
    const [was, is] = [base.apis.get(name), head.apis.get(name)];
    const own = was ?? is;
    if (own === undefined) return { api: name, tier: 'critical', owner: '' };
    const tier = is === undefined ? own.tier : higher(own.tier, is.tier);
    const isMoved = is !== undefined && (was === undefined || targetOf(was) !== targetOf(is));
    const there = isMoved ? byHost.get(hostOf(is)) : undefined;
    if (there !== undefined && higher(tier, there.tier) !== tier)
      return { api: name, tier: there.tier, owner: there.owner };
    return { api: name, tier, owner: own.owner };
  };
}

const hostOf = ({ upstream }: Api) => URL.parse(upstream)?.host ?? upstream;

/** Who would come to hold both sides of a pair of the base. */
function newDuties({ base, head }: Sides, guard: Guard, asOf: number): [ChangeFact, string][] {
  const holders = new Set<string>();
  for (const duties of dutiesOf(base, asOf).values())
    for (const { name, holders: who } of duties) for (const one of who) holders.add(`${name}\n${one}`);
  const found: [ChangeFact, string][] = [];
  const grants = new Map(head.grants.map((grant) => [grant.id, grant]));
  for (const [grant, duties] of dutiesOf({ ...head, review: base.review }, asOf))
    for (const { name, holders: who } of duties) {
      const fresh = who.filter((one) => !holders.has(`${name}\n${one}`));
      const of = grants.get(grant);
      if (fresh.length === 0 || of === undefined) continue;
      const named = `${fresh.slice(0, 3).join(', ')}${fresh.length > 3 ? ` and ${fresh.length - 3} more` : ''}`;
      found.push([{ kind: 'duties', ...guard(of.api), grant }, `${name}: ${named}`]);
    }
  return found.sort(([a], [b]) => compareCodePoints(a.grant ?? '', b.grant ?? ''));
}

function gainersOf({ changes }: TreeDiff): Map<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const { kind, api, who } of changes) {
    if (!widening.has(kind)) continue;
    const known = found.get(api) ?? new Set();
    found.set(api, known);
    for (const one of who) if (one.startsWith('user:')) known.add(one);
  }
  return new Map([...found].map(([api, who]) => [api, [...who].sort(compareCodePoints)]));
}
