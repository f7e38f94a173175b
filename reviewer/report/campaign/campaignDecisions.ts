import { instantOf } from '../../../bundle/format/times.ts';
import type { FrozenEntry } from '../../campaign/frozen.ts';
import type { GrantChange } from '../grantChanges.ts';
import { relation } from '../relation.ts';
import type { Table, Value } from '../table.ts';
import { hoursBetween, secondsBetween } from '../timeBetween.ts';
import type { CampaignInput, PartFacts } from './campaignInput.ts';
import { columnsOf } from './columnsOf.ts';

/** What somebody's word stands behind. */
const decidedOutcomes = new Set(['kept', 'narrowed', 'suspended', 'removed', 'reassigned']);

type Row = Record<string, Value>;

/** Each grant that was asked about, with all that an auditor asks of a decision, and what nobody has decided as well. */
export function campaignDecisions(input: CampaignInput): Table {
  const { frozen, parts } = input;
  const byOwner = new Map(parts.map((part) => [part.owner, part]));
  const changes = Map.groupBy(input.changes, ({ grant }) => grant);
  const rows = frozen.entries.flatMap((entry) => {
    const part = byOwner.get(entry.owner);
    return part === undefined ? [] : [rowOf(entry, part, changes.get(entry.grant) ?? [], input)];
  });
  return {
    name: 'decisions',
    title: 'Decisions',
    about:
      'Every grant of the frozen population: what was proposed and on what evidence, what became of it, whose word that was and what they are to the grantee, the commits, and how soon gateways decided by it. "Hours open" and "batch" are how long the pull request lay there and how many grants one merge answered for. What is "ended" was over by itself before anybody had answered; what is "reassigned" was handed to another owner, who is still to attest it; what is "open" or "unreviewed" nobody has decided.',
    columns: columnsOf(
      'grant grantee api tier gives owner proposed detector finding outcome by relation approved_by at why pull_request commit_before commit_after hours_open batch',
      'evaluable allowed_requests days_used last_used evidence_from evidence_until evidence_coverage gateways enforced_by enforced_last seconds_to_enforcement hours_from_finding_to_enforcement',
    ),
    rows,
  };
}

function rowOf(
  entry: FrozenEntry,
  part: PartFacts,
  changes: readonly GrantChange[],
  input: CampaignInput,
): Row {
  const { frozen, organisation, enforcement, principalOf } = input;
  const { merge, answers } = part;
  const outcome = part.grants.find(({ grant }) => grant === entry.grant)?.outcome ?? 'open';
  const decided = decidedOutcomes.has(outcome);
  // The merge is the attestation; what changed by another way has the commit that did it.
  const change = changes.findLast(({ commit }) => commit === merge?.commit) ?? changes.at(-1);
  const byMerge = merge !== null && (change === undefined || change.commit === merge.commit);
  const said = answers.get(entry.grant)?.decision;
  const login = byMerge ? merge.mergedBy : '';
  const by = !decided
    ? null
    : said !== undefined && !('unanswered' in said)
      ? said.by
      : byMerge
        ? (principalOf(login) ?? login)
        : (change?.by ?? null);
  const commit = decided ? (change?.commit ?? merge?.commit ?? null) : null;
  const at = decided ? (change?.at ?? (merge === null ? null : merge.mergedMs / 1000)) : null;
  const enforced = commit === null || at === null ? [] : enforcement.of(commit, at);
  const known = enforced.flatMap((one) => one.at ?? []);
  const last = known.length === 0 ? null : Math.max(...known);
  const why =
    said !== undefined && 'reason' in said
      ? said.reason
      : part.unanswered !== null && decided
        ? 'nobody had answered by the due date: the rules of the tier'
        : byMerge
          ? `Campaign ${frozen.name}`
          : (change?.why ?? null);
  return {
    ...{ grant: entry.grant, grantee: entry.principal, api: entry.api, tier: entry.tier, gives: entry.gives },
    ...{ owner: entry.owner, proposed: entry.action === 'recertify' ? 'keep' : entry.action },
    ...{
      detector: entry.detector ?? null,
      finding: entry.detector === undefined ? null : (entry.why ?? null),
      outcome,
      by,
    },
    relation: by === null ? null : relation(by, entry, organisation),
    approved_by: byMerge ? merge.approvals.map((one) => principalOf(one.login) ?? one.login).join(' ') : null,
    at: at === null ? null : instantOf(at),
    why: decided ? why : null,
    pull_request: part.number,
    commit_before: decided ? (change?.before ?? null) : null,
    commit_after: commit,
    hours_open: hoursBetween(part.opened, byMerge ? merge.mergedMs / 1000 : part.ended),
    batch: byMerge ? part.grants.length : null,
    evaluable: entry.use !== undefined,
    ...{ allowed_requests: entry.use?.allows ?? null, days_used: entry.use?.days ?? null },
    last_used: entry.use?.last ?? null,
    ...{ evidence_from: frozen.evidence.from, evidence_until: frozen.opened },
    evidence_coverage: frozen.evidence.coverage,
    ...{ gateways: enforcement.instances.length, enforced_by: known.length },
    enforced_last: last === null ? null : instantOf(last),
    seconds_to_enforcement: secondsBetween(at, last),
    hours_from_finding_to_enforcement: hoursBetween(Date.parse(frozen.opened) / 1000, last),
  };
}

/** Of each merge and each gateway: when it first decided by that. */
export function campaignEnforcement({ frozen, parts, enforcement }: CampaignInput): Table {
  return {
    name: 'enforcement',
    title: 'Enforcement by gateway',
    about:
      'For each merge of the campaign and each gateway with records: when it first decided by that commit or a later one, an upper bound of when it enforced it. Empty where no record shows it yet.',
    columns: columnsOf(
      'pull_request owner commit merged_at gateway first_decided seconds_from_merge hours_from_finding',
    ),
    rows: parts.flatMap(({ number, owner, merge }) => {
      if (merge?.commit == null) return [];
      const merged = merge.mergedMs / 1000;
      return enforcement.of(merge.commit, merged).map(({ instance, at }) => ({
        ...{ pull_request: number, owner, commit: merge.commit, merged_at: instantOf(merged) },
        ...{ gateway: instance, first_decided: at === null ? null : instantOf(at) },
        seconds_from_merge: secondsBetween(merged, at),
        hours_from_finding: hoursBetween(Date.parse(frozen.opened) / 1000, at),
      }));
    }),
  };
}
