import type { Relation } from '../../bundle/git/relationOf.ts';
import type { RevisionAnswer } from './askRevision.ts';

/** The revision that all gateways should enforce. */
export type WantedRevision = {
  /** A commit, or the beginning of one. */
  revision: string;
  /** Its first-parent commit count; null when nobody knows. */
  counter: number | null;
  /** What other commits are to it, as far as a repository at hand tells. */
  relations: ReadonlyMap<string, Relation>;
};

/**
 * `enforced`: that very revision. `newer`: one that holds it, by history, or, where no history is at hand, by its
 * higher number. `diverged`: as many commits or more, without it. `differs`: the same revision with other contents than
 * another gateway has. `unknown`: nothing to compare by.
 */
export type GatewayState =
  | 'enforced'
  | 'newer'
  | 'behind'
  | 'diverged'
  | 'differs'
  | 'unknown'
  | Extract<RevisionAnswer, { error: string }>['error'];

export type FleetStatus = {
  /** In full when anybody knows it; null when nothing was asked for and nobody enforces anything. */
  revision: string | null;
  counter: number | null;
  /** Every gateway enforces it, or a newer one. */
  enforced: boolean;
  gateways: readonly { answer: RevisionAnswer; state: GatewayState }[];
  /** The longest that one that enforces this very revision took after the commit, milliseconds; null if none says. */
  slowestMs: number | null;
};

/** Judges a fleet by what its gateways answered. Without `wanted`, all must enforce the newest that one of them does. */
export function fleetStatus(answers: readonly RevisionAnswer[], wanted: WantedRevision | null): FleetStatus {
  const known = answers.flatMap((answer) => ('facts' in answer ? [answer.facts] : []));
  const newest = known.reduce<(typeof known)[number] | null>(
    (best, one) => (best === null || one.counter > best.counter ? one : best),
    null,
  );
  const revision = wanted?.revision ?? newest?.revision ?? null;
  const isSame = (other: string) => revision !== null && other.startsWith(revision);
  const exact = known.find((one) => isSame(one.revision));
  const counter = wanted?.counter ?? exact?.counter ?? null;

  const digests = new Map<string, Set<string>>();
  for (const { revision: theirs, digest } of known)
    digests.set(theirs, (digests.get(theirs) ?? new Set()).add(digest));

  const stateOf = (answer: RevisionAnswer): GatewayState => {
    if (!('facts' in answer)) return answer.error;
    const { facts } = answer;
    if ((digests.get(facts.revision)?.size ?? 0) > 1) return 'differs';
    if (isSame(facts.revision)) return 'enforced';
    const relation = wanted?.relations.get(facts.revision) ?? 'unknown';
    if (relation === 'newer') return 'newer';
    if (counter === null) return relation === 'other' ? 'behind' : 'unknown';
    if (facts.counter < counter) return 'behind';
    return relation === 'unknown' && facts.counter > counter ? 'newer' : 'diverged';
  };
  const gateways = answers.map((answer) => ({ answer, state: stateOf(answer) }));
  const lags = gateways.flatMap(({ answer, state }) =>
    state === 'enforced' && 'facts' in answer ? (answer.facts.lag_ms ?? []) : [],
  );
  return {
    revision: exact?.revision ?? revision,
    counter,
    enforced: gateways.length > 0 && gateways.every(({ state }) => isEnforced(state)),
    gateways,
    slowestMs: lags.length === 0 ? null : Math.max(...lags),
  };
}

/** Whether a gateway enforces what is wanted, or what came after it. */
export const isEnforced = (state: GatewayState): boolean => state === 'enforced' || state === 'newer';

/** "3 of 3 gateways enforce 1a2b3c4d5e6f, slowest 1.8 s" */
export function fleetSentence({ gateways, revision, slowestMs }: FleetStatus): string {
  const good = gateways.filter(({ state }) => isEnforced(state)).length;
  const slowest = slowestMs === null ? '' : `, slowest ${(slowestMs / 1000).toFixed(1)} s`;
  const one = gateways.length === 1;
  if (revision === null)
    return one ? 'the gateway enforces nothing' : `none of ${gateways.length} gateways enforces anything`;
  const of = `${good} of ${gateways.length} ${one ? 'gateway' : 'gateways'}`;
  return `${of} ${good === 1 || one ? 'enforces' : 'enforce'} ${revision.slice(0, 12)}${slowest}`;
}
