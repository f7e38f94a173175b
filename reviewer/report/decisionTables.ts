import { instantOf } from '../../bundle/format/times.ts';
import { numberIn } from '../../bundle/git/changesOf.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { ForgeMerge } from '../forge/mergeOf.ts';
import { relation } from './relation.ts';
import type { ReportInput } from './reportInput.ts';
import { columns, type Table, type Value } from './table.ts';
import { hoursBetween, secondsBetween } from './timeBetween.ts';

// What was decided in the period, by whom, and when it was enforced.

const namesOf = (approvals: ForgeMerge['approvals']) => approvals.map(({ login }) => login).join(' ');

/** Of the forge where it was asked, else what the commit says of itself. */
const numberOf = (
  { commit, subject }: { commit: string; subject: string },
  merges: ReportInput['merges'],
): number | null => (merges === null ? numberIn(subject) : (merges.get(commit)?.number ?? null));

export function decisions({
  changes,
  organisation,
  enforcement,
  merges,
  bases,
  principalOf,
}: ReportInput): Table {
  const rows = changes.map((change) => {
    const merge = merges?.get(change.commit);
    const enforced = enforcement.of(change.commit, change.at);
    const known = enforced.flatMap(({ at }) => at ?? []);
    const last = known.length === 0 ? null : Math.max(...known);
    const basis = merge === undefined ? null : (bases.get(merge.number) ?? null);
    return {
      at: instantOf(change.at),
      grant: change.grant,
      decision: change.what,
      principal: change.principal,
      api: change.api,
      owner: change.owner,
      by: change.by,
      relation: relation(change.by, change, organisation),
      why: change.why,
      before: change.before,
      after: change.commit,
      pull_request: numberOf(change, merges),
      approved_by: merge === undefined ? null : namesOf(merge.approvals),
      merged_by: merge?.mergedBy ?? null,
      // Whoever merges attests it, whoever's word it was before.
      merged_by_relation:
        merge === undefined
          ? null
          : relation(principalOf(merge.mergedBy) ?? merge.mergedBy, change, organisation),
      found_at: basis?.asOf ?? null,
      evidence_from: basis?.from ?? null,
      evidence_coverage: basis?.coverage ?? null,
      replay: basis?.replay ?? null,
      gateways: enforcement.instances.length,
      enforced_by: known.length,
      enforced_last: last === null ? null : instantOf(last),
      seconds_to_enforcement: secondsBetween(change.at, last),
      hours_from_finding: hoursBetween(basis && startOf(basis.asOf), last),
    };
  });
  return {
    name: 'decisions',
    title: 'Decisions',
    about:
      'Every change to a grant that took effect on the enforced branch: who decided what and why, from Git; who approved and merged it, and what the latter is to the grantee, from the forge where it was asked; and when each gateway first decided by it, from its records: an upper bound. What a review found has when that was, by which evidence, and what the replay said, as its pull request did when it was merged.',
    columns: columns({
      ...{
        at: 'At',
        grant: 'Grant',
        decision: 'Decision',
        principal: 'Grantee',
        api: 'API',
        owner: 'Owner',
        by: 'By',
      },
      ...{
        relation: 'Relation',
        why: 'Why',
        before: 'Commit before',
        after: 'Commit after',
        pull_request: 'Pull request',
      },
      ...{
        approved_by: 'Approved by',
        merged_by: 'Merged by',
        merged_by_relation: 'Relation of who merged',
        found_at: 'Found at',
        evidence_from: 'Evidence from',
        evidence_coverage: 'Coverage',
        replay: 'Replay',
        gateways: 'Gateways',
        enforced_by: 'Enforced by',
      },
      ...{
        enforced_last: 'Last enforced',
        seconds_to_enforcement: 'Seconds to enforcement',
        hours_from_finding: 'Hours from finding to enforcement',
      },
    }),
    rows,
  };
}

/** Of each commit that decided something and each gateway: when it first decided by that. */
export function enforcementTable({ changes, enforcement, merges, bases }: ReportInput): Table {
  const commits = new Map(changes.map((change) => [change.commit, change]));
  return {
    name: 'enforcement',
    title: 'Enforcement by gateway',
    about:
      'For each commit that changed grants and each gateway with records: when it first decided by that commit or a later one, an upper bound of when it enforced it. Empty where no record shows it.',
    columns: columns({
      ...{ commit: 'Commit', at: 'Took effect', pull_request: 'Pull request', gateway: 'Gateway' },
      ...{ first_decided: 'First decided', seconds: 'Seconds', hours_from_finding: 'Hours from finding' },
    }),
    rows: [...commits.values()].flatMap(({ commit, at, subject }) => {
      const number = numberOf({ commit, subject }, merges);
      const basis = bases.get(merges?.get(commit)?.number ?? 0) ?? null;
      return enforcement.of(commit, at).map(({ instance, at: first }) => ({
        ...{ commit, at: instantOf(at), pull_request: number, gateway: instance },
        first_decided: first === null ? null : instantOf(first),
        seconds: secondsBetween(at, first),
        hours_from_finding: hoursBetween(basis && startOf(basis.asOf), first),
      }));
    }),
  };
}

export function leaversTable({ leavers, enforcement, organisation }: ReportInput): Table {
  const left = Map.groupBy(organisation.grants, ({ principal }) => fold(principal));
  return {
    name: 'leavers',
    title: 'Leavers',
    about:
      'People who were active and are not any more: when the identity provider was read that said so, when that took effect on the branch, and when each gateway first decided by it.',
    columns: columns({
      ...{
        login: 'Login',
        provider: 'Provider',
        now: 'Status',
        told_at: 'Provider read',
        merged_at: 'Took effect',
      },
      ...{
        commit: 'Commit',
        hours_to_merge: 'Hours to merge',
        enforced_by: 'Enforced by',
        gateways: 'Gateways',
      },
      ...{ enforced_last: 'Last enforced', grants_left: 'Grants left in their name' },
    }),
    rows: leavers.map(({ login, provider, now, toldAt, at, commit }) => {
      const known = enforcement.of(commit, at).flatMap((one) => one.at ?? []);
      return {
        ...{ login, provider, now, told_at: instantOf(toldAt), merged_at: instantOf(at), commit },
        hours_to_merge: hoursBetween(toldAt, at),
        ...{ enforced_by: known.length, gateways: enforcement.instances.length },
        enforced_last: known.length === 0 ? null : instantOf(Math.max(...known)),
        grants_left: left.get(fold(`user:${login}`))?.length ?? 0,
      };
    }),
  };
}

export function emergencies({ changes, merges, attested }: ReportInput): Table {
  return {
    name: 'emergencies',
    title: 'Emergency access',
    about:
      'Access that was merged before anybody approved it. Attested is what somebody who answers for the API has confirmed since; it is empty where no forge was asked.',
    columns: columns({
      ...{
        at: 'At',
        grant: 'Grant',
        principal: 'Taken by',
        api: 'API',
        why: 'Why',
        pull_request: 'Pull request',
        attested: 'Attested',
      },
    }),
    rows: changes
      .filter(({ emergency }) => emergency)
      .map(({ at, grant, principal, api, why, subject, commit }) => {
        const number = numberOf({ commit, subject }, merges);
        const merge = merges?.get(commit);
        const isAttested: Value = merge === undefined ? null : attested.has(merge.number);
        return { at: instantOf(at), grant, principal, api, why, pull_request: number, attested: isAttested };
      }),
  };
}

export function approvals({ changes, merges }: ReportInput): Table {
  const grants = new Map<number, Set<string>>();
  const byNumber = new Map<number, ForgeMerge>();
  for (const { commit, grant } of changes) {
    const merge = merges?.get(commit);
    if (merge === undefined) continue;
    byNumber.set(merge.number, merge);
    grants.set(merge.number, (grants.get(merge.number) ?? new Set()).add(grant));
  }
  return {
    name: 'approvals',
    title: 'Approvals',
    about:
      'How pull requests that changed grants were approved: by whom as they were merged, and by whom before more was pushed; how long they lay open until the first approval, and how many grants one approval covered. Many grants in little time is a stamp, not a review.',
    columns: columns({
      ...{
        pull_request: 'Pull request',
        title: 'Title',
        author: 'Author',
        approvers: 'Approvers',
        approved_earlier: 'Approved an earlier commit',
        merged_by: 'Merged by',
      },
      ...{
        opened: 'Opened',
        approved: 'First approval',
        merged: 'Merged',
        hours_to_approval: 'Hours to approval',
      },
      ...{ grants: 'Grants', approved_by_another: 'Approved by another', url: 'Address' },
    }),
    rows: [...byNumber]
      .sort(([a], [b]) => a - b)
      .map(([number, merge]) => {
        const first =
          merge.approvals.length === 0 ? null : Math.min(...merge.approvals.map(({ atMs }) => atMs)) / 1000;
        return {
          ...{ pull_request: number, title: merge.title, author: merge.author },
          approvers: namesOf(merge.approvals),
          approved_earlier: namesOf(merge.earlier),
          ...{ merged_by: merge.mergedBy, opened: instantOf(merge.openedMs / 1000) },
          approved: first === null ? null : instantOf(first),
          merged: instantOf(merge.mergedMs / 1000),
          hours_to_approval: hoursBetween(merge.openedMs / 1000, first),
          grants: grants.get(number)?.size ?? 0,
          approved_by_another: merge.approvals.some(({ login }) => login !== merge.author),
          url: merge.url,
        };
      }),
  };
}
