import { instantOf } from '../../bundle/format/times.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { isOver } from './due.ts';
import { digestOf } from './freeze.ts';
import type { Frozen, FrozenEntry } from './frozen.ts';
import { type PartMarker, unpackAnswers } from './marker.ts';
import { countedApprovers, needsSecond } from './partReviewers.ts';
import { isAttested, isEnded, type Part, partsOfCampaign } from './rows.ts';
import type { PartResult, PartState } from './settlePart.ts';

/**
 * What became of a grant, by what the base says of it: `kept` was attested, `changed` is other than it was frozen and not
 * attested, `reassigned` was handed to another owner, who has not attested it yet, `ended` was over before anybody answered for it, `unreviewed` is as it was although its pull request is done, `open` is still to be answered.
 */
export type Outcome =
  | 'kept'
  | 'narrowed'
  | 'suspended'
  | 'removed'
  | 'reassigned'
  | 'changed'
  | 'ended'
  | 'unreviewed'
  | 'open';

/** Whose word it was, and what was answered of single grants. */
export type Attested = {
  by: string;
  at: string;
  approved: readonly string[];
  answers: PartMarker['answers'];
};

export type PartReport = {
  owner: string;
  number: number | null;
  url: string | null;
  branch: string;
  state: PartState;
  /** How many of its grants have been answered. */
  answered: number;
  /** The forge's names of who merged it, and who approved that very commit. */
  merged_by?: string;
  merged_at?: string;
  approved_by?: readonly string[];
  /** Where the tier asks for two people. */
  second_approver?: 'given' | 'missing' | 'waiting';
  reason?: string;
  grants: readonly { grant: string; api: string; tier: string; proposed: string; outcome: Outcome }[];
};

/** How a campaign stands, or ended. */
export type Report = {
  campaign: string;
  scope: string | null;
  opened: string;
  due: string;
  as_of: string;
  commit: string;
  population: Frozen['population'];
  evidence: Frozen['evidence'];
  /** All is answered, or left unanswered as the rules say. */
  finished: boolean;
  overdue: boolean;
  /** Owners who have finished. */
  done: number;
  totals: Readonly<Record<Outcome, number>>;
  /** What an auditor would ask about. */
  problems: readonly string[];
  parts: readonly PartReport[];
};

type Word = Attested | undefined;
type Standing = {
  results: readonly PartResult[];
  /** By owner. */
  attested: ReadonlyMap<string, Attested>;
  base: { organisation: Organisation; grants: ReadonlyMap<string, Grant> };
  /** Seconds since 1970. */
  asOf: number;
};

/** Counts a campaign to its end. Pure. */
export function reportOf(frozen: Frozen, { results, attested, base, asOf }: Standing): Report {
  const over = isOver(frozen, asOf);
  const byOwner = new Map(results.map((result) => [result.owner, result]));
  const parts = partsOfCampaign(frozen).map((part) =>
    partReport(part, byOwner.get(part.owner), attested.get(part.owner), { frozen, base, asOf }),
  );
  const totals: Record<Outcome, number> = {
    ...{ kept: 0, narrowed: 0, suspended: 0, removed: 0, reassigned: 0, changed: 0 },
    ...{ ended: 0, unreviewed: 0, open: 0 },
  };
  for (const { grants } of parts) for (const { outcome } of grants) totals[outcome] += 1;
  const isFinal = ({ state }: PartReport) => isDone(state) || (over && state === 'declined');
  return {
    ...{ campaign: frozen.name, scope: frozen.scope, opened: frozen.opened, due: frozen.due },
    as_of: instantOf(asOf),
    ...{ commit: frozen.commit, population: frozen.population, evidence: frozen.evidence },
    finished: parts.every(isFinal),
    overdue: over && !parts.every(isFinal),
    done: parts.filter(isFinal).length,
    ...{ totals, problems: parts.flatMap((part) => problemsOf(part, frozen, over)), parts },
  };
}

const isDone = (state: PartState) => /^(?:merged|lapsed|nothing)$/.test(state);

type Context = { frozen: Frozen } & Pick<Standing, 'base' | 'asOf'>;

function partReport(part: Part, result: PartResult | undefined, word: Word, context: Context): PartReport {
  const state = result?.state ?? 'waiting';
  const answers = unpackAnswers(word?.answers ?? [], part.entries.length);
  const grants = part.entries.map((entry, index) => {
    const decision = answers.get(index)?.decision;
    const heir = decision?.kind === 'reassign' ? decision.owner : null;
    const { grant, api, tier, action } = entry;
    const proposed = action === 'recertify' ? 'keep' : action;
    return { grant, api, tier, proposed, outcome: outcomeOf(entry, { state, heir }, context) };
  });
  const second = secondApprover(part, state, word, context.base.organisation);
  return {
    ...{ owner: part.owner, number: result?.number ?? null, url: result?.url ?? null },
    ...{ branch: result?.branch ?? '', state },
    answered: grants.filter(({ outcome }) => !/^(?:open|unreviewed|changed)$/.test(outcome)).length,
    ...(word !== undefined && { merged_by: word.by, merged_at: word.at, approved_by: word.approved }),
    ...(second !== undefined && { second_approver: second }),
    ...(result?.reason !== undefined && { reason: result.reason }),
    grants,
  };
}

/** `heir`: the owner that a grant was handed to, if it was. */
function outcomeOf(
  entry: FrozenEntry,
  { state, heir }: { state: PartState; heir: string | null },
  { frozen, base, asOf }: Context,
): Outcome {
  const now = base.grants.get(entry.grant);
  if (now === undefined) return 'removed';
  const isSame = digestOf(now) === entry.digest;
  if (!isSame && now.state === 'suspended' && entry.suspended !== true) return 'suspended';
  if (isAttested(entry, now, frozen)) return now.covers.length < entry.covers ? 'narrowed' : 'kept';
  if (isEnded(entry, now, asOf)) return 'ended';
  if (!isSame) return heir !== null && fold(now.owner) === fold(heir) ? 'reassigned' : 'changed';
  return state === 'open' || state === 'waiting' || state === 'failed' ? 'open' : 'unreviewed';
}

/** Undefined where the tier asks for no second one. */
function secondApprover(
  part: Part,
  state: PartState,
  word: Word,
  organisation: Organisation,
): PartReport['second_approver'] {
  if (!needsSecond(part, organisation)) return undefined;
  if (state !== 'merged') return 'waiting';
  const logins = word === undefined ? [] : [...word.approved, word.by];
  return countedApprovers(logins, part, organisation).length >= 2 ? 'given' : 'missing';
}

function problemsOf(part: PartReport, { due }: Frozen, over: boolean): string[] {
  const { owner, state, reason } = part;
  const problems: string[] = [];
  if (part.second_approver === 'missing') problems.push(`${owner}: merged without a second approver`);
  if (state === 'failed') problems.push(`${owner}: ${reason ?? 'could not be brought in line'}`);
  if (state === 'declined') problems.push(`${owner}: closed without a review`);
  if (over && (state === 'open' || state === 'waiting')) problems.push(`${owner}: overdue since ${due}`);
  return problems;
}
